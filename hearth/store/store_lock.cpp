#include "hearth/store/store_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "hearth/store/partial_file.h"

namespace hearth::store {
namespace {

constexpr std::chrono::milliseconds kPollInterval{5};

}  // namespace

StoreLock::StoreLock(const fs::path& file)
    : fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  if (fd_ < 0) throw_errno(file, "cannot be opened");
}

StoreLock::~StoreLock() {
  if (fd_ >= 0) ::close(fd_);  // flock() belongs to the open file, so this lets go
}

StoreLock StoreLock::shared(const fs::path& file) {
  StoreLock lock(file);
  while (::flock(lock.fd_, LOCK_SH) != 0)
    if (errno != EINTR) throw_errno(file, "cannot be locked");
  return lock;
}

std::optional<StoreLock> StoreLock::try_exclusive(const fs::path& file,
                                                  std::chrono::milliseconds wait) {
  StoreLock lock(file);
  const auto deadline = std::chrono::steady_clock::now() + wait;
  while (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) throw_errno(file, "cannot be locked");
    if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
    std::this_thread::sleep_for(kPollInterval);  // flock() knows no time limit
  }
  return lock;
}

}  // namespace hearth::store
