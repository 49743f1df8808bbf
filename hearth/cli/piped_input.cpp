#include "hearth/cli/piped_input.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "hearth/base/error.h"
#include "hearth/base/units.h"
#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

constexpr size_t kInputBytesMax = size_t{64} << 20;
constexpr int kSilenceMs = 200;

// Readable now or at its end: reading does not block.
bool speaks_within(int milliseconds) {
  pollfd descriptor{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  return ::poll(&descriptor, 1, milliseconds) > 0;
}

}  // namespace

std::string read_standard_input() {
  std::string text;
  char buffer[65536];
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      throw Error(Errc::io_failure, "standard input cannot be read: {}", std::strerror(errno));
    if (got == 0) return text;
    text.append(buffer, static_cast<size_t>(got));
    if (text.size() > kInputBytesMax)
      throw Error(Errc::resource_exhausted, "standard input is longer than {}, the limit",
                  format_bytes(kInputBytesMax));
  }
}

std::optional<std::string> piped_prompt(bool prompt_given) {
  struct stat status {};
  if (stdin_is_terminal() || ::fstat(STDIN_FILENO, &status) != 0) return std::nullopt;
  const bool is_stream = S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode);
  if (prompt_given && !is_stream && !S_ISREG(status.st_mode)) return std::nullopt;
  if (prompt_given && is_stream && !speaks_within(kSilenceMs)) {
    print_note("standard input is a silent pipe: not waited for");
    return std::nullopt;
  }
  std::string text = read_standard_input();
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

std::optional<std::string> join_prompt(std::optional<std::string> argument,
                                       std::optional<std::string> input) {
  if (!input || input->empty()) return argument;
  if (!argument || argument->empty()) return input;
  return *argument + "\n" + *input;
}

}  // namespace hearth::cli
