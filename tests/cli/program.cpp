#include "tests/cli/program.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>

#include "hearth/base/error.h"
#include "hearth/base/files.h"

namespace hearth::test {
namespace {

constexpr const char* kProgram = HEARTH_PROGRAM;
constexpr auto kPatience = std::chrono::seconds(20);

int status_of(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

// A store and settings of the test's own, and an address where no daemon answers: what lies in the
// home of whoever runs the tests is neither read nor changed. Made by the parent, which removes it.
struct OwnHome {
  OwnHome() {
    std::string name = (fs::temp_directory_path() / "hearth_program_test_XXXXXX").string();
    HEARTH_CHECK(::mkdtemp(name.data()));
    path = name;
  }
  ~OwnHome() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

void set_own_environment() {
  static const OwnHome home;
  ::setenv("HEARTH_HOME", home.path.c_str(), 1);
  ::setenv("HEARTH_HOST", "127.0.0.1:1", 1);
}

[[noreturn]] void become_hearth(const std::vector<std::string>& arguments,
                                const std::map<std::string, std::string>& environment) {
  for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> argv = {const_cast<char*>("hearth")};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(kProgram, argv.data());
  ::_exit(127);
}

struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() { HEARTH_CHECK(::pipe2(ends.data(), O_CLOEXEC) == 0); }
  ~Pipe() {
    close_read();
    close_write();
  }
  int read_end() const { return ends[0]; }
  int write_end() const { return ends[1]; }
  void close_read() { close_end(0); }
  void close_write() { close_end(1); }

 private:
  void close_end(size_t i) {
    if (ends[i] >= 0) ::close(ends[i]);
    ends[i] = -1;
  }
};

// Both sides of a terminal; closed at the end.
struct Keyboard {
  int ours = -1, theirs = -1;
  Keyboard() { HEARTH_CHECK(::openpty(&ours, &theirs, nullptr, nullptr, nullptr) == 0); }
  ~Keyboard() {
    ::close(ours);
    ::close(theirs);
  }
};

std::string read_to_end(int descriptor) {
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = ::read(descriptor, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(got));
  return text;
}

void write_input(Pipe& pipe, const RunOptions& options) {
  ::signal(SIGPIPE, SIG_IGN);  // a program may end without reading all of it
  for (size_t done = 0; done < options.input.size();) {
    const ssize_t put =
        ::write(pipe.write_end(), options.input.data() + done, options.input.size() - done);
    if (put <= 0) break;
    done += static_cast<size_t>(put);
  }
  if (!options.input_stays_open) pipe.close_write();
}

}  // namespace

RunResult run_hearth(const std::vector<std::string>& arguments, const RunOptions& options) {
  Pipe in, out, err;
  std::optional<Keyboard> keyboard;
  if (options.input_is_terminal) keyboard.emplace();
  set_own_environment();
  const pid_t process = ::fork();
  HEARTH_CHECK(process >= 0);
  if (process == 0) {
    ::dup2(keyboard ? keyboard->theirs : in.read_end(), STDIN_FILENO);
    ::dup2(out.write_end(), STDOUT_FILENO);
    ::dup2(err.write_end(), STDERR_FILENO);
    if (options.file_bytes_max > 0) {
      const rlimit limit{.rlim_cur = options.file_bytes_max, .rlim_max = options.file_bytes_max};
      ::setrlimit(RLIMIT_FSIZE, &limit);
      ::signal(SIGXFSZ, SIG_IGN);  // the write then fails instead
    }
    if (!options.output_file.empty())
      ::dup2(::open(options.output_file.c_str(), O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
    if (!options.folder.empty()) fs::current_path(options.folder);
    become_hearth(arguments, options.environment);
  }
  in.close_read();
  out.close_write();
  err.close_write();
  RunResult result;
  std::thread writer([&] { write_input(in, options); });
  std::thread out_reader([&] { result.out = read_to_end(out.read_end()); });
  result.err = read_to_end(err.read_end());
  writer.join();
  out_reader.join();
  int wait_status = 0;
  ::waitpid(process, &wait_status, 0);
  result.status = status_of(wait_status);
  return result;
}

bool has_terminals() {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal >= 0) ::close(terminal);
  return terminal >= 0;
}

TerminalRun::TerminalRun(const std::vector<std::string>& arguments,
                         const std::map<std::string, std::string>& environment) {
  const winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  set_own_environment();
  process_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
  HEARTH_CHECK(process_ >= 0);
  if (process_ == 0) {
    ::setenv("TERM", "xterm", 1);
    become_hearth(arguments, environment);
  }
}

TerminalRun::~TerminalRun() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  ::close(terminal_);
}

void TerminalRun::type(const std::string& keys) {
  HEARTH_CHECK(::write(terminal_, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
}

bool TerminalRun::read_more() {
  pollfd descriptor{.fd = terminal_, .events = POLLIN, .revents = 0};
  if (::poll(&descriptor, 1, 200) <= 0) return true;  // nothing yet
  char buffer[4096];
  const ssize_t got = ::read(terminal_, buffer, sizeof buffer);
  if (got <= 0) return false;  // the other side is closed
  screen_.append(buffer, static_cast<size_t>(got));
  return true;
}

bool TerminalRun::shows(const std::string& text) {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    const size_t found = screen_.find(text, seen_);
    if (found != std::string::npos) {
      seen_ = found + text.size();
      return true;
    }
    if (std::chrono::steady_clock::now() > limit || !read_more()) return false;
  }
}

int TerminalRun::wait() {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  bool open = true;
  while (open && std::chrono::steady_clock::now() < limit) open = read_more();
  if (open) ::kill(process_, SIGKILL);  // the test then fails by its status
  int wait_status = 0;
  ::waitpid(process_, &wait_status, 0);
  process_ = -1;
  return status_of(wait_status);
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (fs::temp_directory_path() / "hearth-cli-XXXXXX").string();
  HEARTH_CHECK(::mkdtemp(name.data()) != nullptr);
  path = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

fs::path shared_file(const std::string& relative) {
  const fs::path path = fs::path(HEARTH_SOURCE_DIR) / "../shared/data" / relative;
  return fs::exists(path) ? path : fs::path();
}

}  // namespace hearth::test
