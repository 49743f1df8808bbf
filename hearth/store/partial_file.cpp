#include "hearth/store/partial_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "hearth/base/error.h"

namespace hearth::store {
namespace {

constexpr std::string_view kPrefix = "partial-";

// True when both names lead to one file, as after a link to a blob.
bool is_one_file(const fs::path& a, const fs::path& b) {
  struct stat first {
  }, second{};
  return ::lstat(a.c_str(), &first) == 0 && ::lstat(b.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace

bool is_partial_file_name(std::string_view name) { return name.starts_with(kPrefix); }

PartialFile::PartialFile(const fs::path& folder)
    : file_(create_new_file(folder / kPrefix, "", 0644)) {}

PartialFile::~PartialFile() {
  if (file_.fd < 0) return;
  ::close(file_.fd);
  ::unlink(file_.path.c_str());
}

void PartialFile::write(std::span<const std::byte> bytes) {
  HEARTH_CHECK(file_.fd >= 0);
  write_all(file_.fd, bytes, file_.path);
  written_bytes_ += bytes.size();
}

bool PartialFile::try_clone(int source) {
  HEARTH_CHECK(file_.fd >= 0 && written_bytes_ == 0);
  return ::ioctl(file_.fd, FICLONE, source) == 0;
}

bool PartialFile::try_link(const fs::path& source) {
  HEARTH_CHECK(file_.fd >= 0 && written_bytes_ == 0);
  fs::path linked = file_.path;
  linked += "-link";
  ::unlink(linked.c_str());  // of a killed process with this id
  // Follows a symbolic link: the blob must be the model, not a pointer into somebody's folder.
  if (::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, linked.c_str(), AT_SYMLINK_FOLLOW) != 0)
    return false;
  const int fd = ::open(linked.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 || ::rename(linked.c_str(), file_.path.c_str()) != 0) {
    if (fd >= 0) ::close(fd);
    ::unlink(linked.c_str());
    return false;
  }
  ::close(file_.fd);
  file_.fd = fd;
  return true;
}

void PartialFile::rename_to(const fs::path& path) {
  HEARTH_CHECK(file_.fd >= 0);
  if (::fsync(file_.fd) != 0) throw_errno(path, "cannot be flushed to the disk");
  // rename() leaves both names where they are one file. Only then is the old name removed: after a
  // rename it may be another process's already (containers that share a store share process ids).
  const int failure = is_one_file(file_.path, path) ? ::unlink(file_.path.c_str())
                                                    : ::rename(file_.path.c_str(), path.c_str());
  if (failure != 0) throw_errno(path, "cannot be renamed into place");
  ::close(file_.fd);
  file_.fd = -1;
  flush_folder(path.parent_path());
}

}  // namespace hearth::store
