#include "hearth/serve/auth/private_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

[[noreturn]] void throw_errno(const fs::path& path, std::string_view action) {
  throw Error(Errc::io_failure, "{}: {}: {}", path.string(), action, std::strerror(errno));
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem)
    throw Error(Errc::io_failure, "{}: cannot be made: {}", folder.string(), problem.message());
  fd_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd_ < 0) throw_errno(folder, "cannot be opened");
  while (::flock(fd_, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const int error_number = errno;
    ::close(fd_);
    errno = error_number;
    throw_errno(folder, "cannot be locked");
  }
}

FolderLock::~FolderLock() { ::close(fd_); }  // lets go: the lock belongs to the open folder

std::optional<std::string> try_read_private(const fs::path& file, size_t size_max_bytes) {
  try {
    return read_file(file, size_max_bytes);
  } catch (const Error& error) {
    if (error.code() == Errc::not_found) return std::nullopt;
    throw;
  }
}

void write_private(const fs::path& file, std::string_view text) {
  AtomicFile out(file, Readers::owner);
  out.write(text);
  out.commit();
}

}  // namespace hearth::serve
