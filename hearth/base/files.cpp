#include "hearth/base/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "hearth/base/error.h"

namespace hearth {
namespace {

Errc code_for(int error_number) {
  return error_number == ENOENT ? Errc::not_found : Errc::io_failure;
}

[[noreturn]] void throw_errno(const fs::path& path, std::string_view action) {
  const int error_number = errno;
  throw Error(code_for(error_number), "{}: {}: {}", path.string(), action,
              std::strerror(error_number));
}

/// Makes `fd` the owner's alone. What root writes for a service into the service's folder, the
/// service must be able to read.
void keep_private(int fd, const fs::path& path) {
  struct stat folder {};
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (::fchmod(fd, 0600) != 0) throw_errno(path, "cannot be made private");
  if (::geteuid() != 0) return;
  if (::stat(parent.c_str(), &folder) != 0 || ::fchown(fd, folder.st_uid, folder.st_gid) != 0)
    throw_errno(path, "cannot be given to the owner of its folder");
}

/// A regular file open for reading.
struct OpenFile {
  explicit OpenFile(const fs::path& path) {
    // Without O_NONBLOCK, opening a pipe waits for a writer, for ever if there is none.
    fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) throw_errno(path, "cannot be opened");
    struct stat status {};
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
      ::close(fd);
      throw Error(Errc::invalid_argument, "{}: not a regular file", path.string());
    }
    size_bytes = static_cast<size_t>(status.st_size);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { ::close(fd); }

  int fd;
  size_t size_bytes = 0;
};

}  // namespace

MappedFile MappedFile::open(const fs::path& path) {
  const OpenFile file(path);
  MappedFile mapped;
  mapped.path_ = path;
  mapped.size_bytes_ = file.size_bytes;
  if (mapped.size_bytes_ == 0) return mapped;  // mmap refuses an empty range
  void* address = ::mmap(nullptr, mapped.size_bytes_, PROT_READ, MAP_SHARED, file.fd, 0);
  if (address == MAP_FAILED) throw_errno(path, "cannot be mapped");
  mapped.data_ = static_cast<const std::byte*>(address);
  return mapped;
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_bytes_);
}

void MappedFile::swap(MappedFile& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(path_, other.path_);
}

std::string read_file(const fs::path& path, size_t size_max_bytes) {
  const OpenFile file(path);
  const size_t size = file.size_bytes;
  if (size > size_max_bytes)
    throw Error(Errc::resource_exhausted, "{}: {} bytes, at most {} are read", path.string(), size,
                size_max_bytes);
  std::string text(size, '\0');
  for (size_t done = 0; done < size;) {
    const ssize_t got = ::read(file.fd, text.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno(path, "cannot be read");
    if (got == 0)
      throw Error(Errc::io_failure, "{}: ends after {} of {} bytes", path.string(), done, size);
    done += static_cast<size_t>(got);
  }
  return text;
}

AtomicFile::AtomicFile(const fs::path& path, Readers readers) : path_(path), beside_(path) {
  struct stat status {};
  if (::stat(path_.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    throw Error(Errc::invalid_argument, "{}: is there and not a regular file", path_.string());
  // The process id keeps two writers of one file apart; the last to commit wins.
  beside_ += fmt::format(".{}.partial", ::getpid());
  const mode_t mode = readers == Readers::owner ? 0600 : 0644;
  fd_ = ::open(beside_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd_ < 0) {
    const int error_number = errno;
    throw Error(Errc::io_failure, "{}: cannot be written: {}", path_.string(),
                std::strerror(error_number));
  }
  if (readers == Readers::everyone) return;
  try {
    keep_private(fd_, path_);
  } catch (...) {  // no destructor runs for an object that was never whole
    ::close(fd_);
    ::unlink(beside_.c_str());
    throw;
  }
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(beside_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  HEARTH_CHECK(fd_ >= 0);
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t put = ::write(fd_, bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_errno(path_, "cannot be written");
    done += static_cast<size_t>(put);
  }
  written_bytes_ += bytes.size();
}

void AtomicFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text.data(), text.size())));
}

void AtomicFile::commit() {
  HEARTH_CHECK(fd_ >= 0);
  if (::fsync(fd_) != 0) throw_errno(path_, "cannot be flushed to the disk");
  ::close(fd_);
  fd_ = -1;
  if (::rename(beside_.c_str(), path_.c_str()) != 0) {
    const int error_number = errno;
    ::unlink(beside_.c_str());
    throw Error(Errc::io_failure, "{}: cannot be renamed into place: {}", path_.string(),
                std::strerror(error_number));
  }
}

}  // namespace hearth
