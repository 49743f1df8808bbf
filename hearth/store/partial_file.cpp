#include "hearth/store/partial_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "hearth/base/error.h"

namespace hearth::store {
namespace {

constexpr std::string_view kPrefix = "partial-";

std::atomic<uint64_t> next_number = 0;

// A new file under a name of its own. A process that was killed may have had the same id, so a name
// that is taken is passed over.
int create_new(const fs::path& folder, fs::path& path) {
  for (;;) {
    path = folder / fmt::format("{}{}-{}", kPrefix, ::getpid(), next_number++);
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd >= 0) return fd;
    if (errno != EEXIST) throw_errno(path, "cannot be created");
  }
}

// True when both names lead to one file, as after a link to a blob.
bool is_one_file(const fs::path& a, const fs::path& b) {
  struct stat first {
  }, second{};
  return ::lstat(a.c_str(), &first) == 0 && ::lstat(b.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace

bool is_partial_file_name(std::string_view name) { return name.starts_with(kPrefix); }

void throw_errno(const fs::path& path, std::string_view action) {
  const int error_number = errno;
  const bool is_full = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
  const Errc code = error_number == ENOENT ? Errc::not_found
                    : is_full              ? Errc::resource_exhausted
                                           : Errc::io_failure;
  throw Error(code, "{}: {}: {}", path.string(), action, std::strerror(error_number));
}

void flush_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return;  // removed a moment ago, with the file in it
  if (fd < 0) throw_errno(folder, "cannot be opened");
  const bool is_flushed =
      ::fsync(fd) == 0 || errno == EINVAL;  // some file systems have no such flush
  const int error_number = errno;
  ::close(fd);
  errno = error_number;
  if (!is_flushed) throw_errno(folder, "cannot be flushed to the disk");
}

PartialFile::PartialFile(const fs::path& folder) { fd_ = create_new(folder, path_); }

PartialFile::~PartialFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(path_.c_str());
}

void PartialFile::write(std::span<const std::byte> bytes) {
  HEARTH_CHECK(fd_ >= 0);
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t put = ::write(fd_, bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_errno(path_, "cannot be written");
    done += static_cast<size_t>(put);
  }
  written_bytes_ += bytes.size();
}

bool PartialFile::try_clone(int source) {
  HEARTH_CHECK(fd_ >= 0 && written_bytes_ == 0);
  return ::ioctl(fd_, FICLONE, source) == 0;
}

bool PartialFile::try_link(const fs::path& source) {
  HEARTH_CHECK(fd_ >= 0 && written_bytes_ == 0);
  fs::path linked = path_;
  linked += "-link";
  ::unlink(linked.c_str());  // of a killed process with this id
  // Follows a symbolic link: the blob must be the model, not a pointer into somebody's folder.
  if (::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, linked.c_str(), AT_SYMLINK_FOLLOW) != 0)
    return false;
  const int fd = ::open(linked.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 || ::rename(linked.c_str(), path_.c_str()) != 0) {
    if (fd >= 0) ::close(fd);
    ::unlink(linked.c_str());
    return false;
  }
  ::close(fd_);
  fd_ = fd;
  return true;
}

void PartialFile::rename_to(const fs::path& path) {
  HEARTH_CHECK(fd_ >= 0);
  if (::fsync(fd_) != 0) throw_errno(path, "cannot be flushed to the disk");
  // rename() leaves both names where they are one file. Only then is the old name removed: after a
  // rename it may be another process's already (containers that share a store share process ids).
  const int failure =
      is_one_file(path_, path) ? ::unlink(path_.c_str()) : ::rename(path_.c_str(), path.c_str());
  if (failure != 0) throw_errno(path, "cannot be renamed into place");
  ::close(fd_);
  fd_ = -1;
  flush_folder(path.parent_path());
}

}  // namespace hearth::store
