#include "hearth/base/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "hearth/base/error.h"

namespace hearth {
namespace {

std::atomic<uint64_t> next_number = 0;

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// Makes `fd` the owner's alone. What root writes for a service into the service's folder, the
/// service must be able to read.
void keep_private(int fd, const fs::path& path) {
  struct stat folder {};
  const fs::path parent = folder_of(path);
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

void throw_errno(const fs::path& path, std::string_view action) {
  const int error_number = errno;
  const bool is_full = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
  const Errc code = error_number == ENOENT ? Errc::not_found
                    : is_full              ? Errc::resource_exhausted
                                           : Errc::io_failure;
  throw Error(code, "{}: {}: {}", path.string(), action, std::strerror(error_number));
}

NewFile create_new_file(const fs::path& begin, std::string_view end, unsigned mode) {
  for (;;) {
    fs::path path = begin;
    path += fmt::format("{}-{}{}", ::getpid(), next_number++, end);
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd >= 0) return {std::move(path), fd};
    if (errno != EEXIST) throw_errno(path, "cannot be created");
  }
}

void write_all(int fd, std::span<const std::byte> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_errno(path, "cannot be written");
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
}

void flush_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Removed a moment ago, with the file in it; or one that may be written to but not read.
  if (fd < 0 && (errno == ENOENT || errno == EACCES)) return;
  if (fd < 0) throw_errno(folder, "cannot be opened");
  const bool is_flushed =
      ::fsync(fd) == 0 || errno == EINVAL;  // some file systems have no such flush
  const int error_number = errno;
  ::close(fd);
  errno = error_number;
  if (!is_flushed) throw_errno(folder, "cannot be flushed to the disk");
}

AtomicFile::AtomicFile(const fs::path& path, Readers readers) : path_(path) {
  struct stat status {};
  if (::stat(path_.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    throw Error(Errc::invalid_argument, "{}: is there and not a regular file", path_.string());
  fs::path begin = path_;
  begin += ".";
  try {
    beside_ = create_new_file(begin, ".partial", readers == Readers::owner ? 0600 : 0644);
  } catch (const Error& error) {
    // What is missing is the folder: the caller asked for a file to be made.
    if (error.code() != Errc::not_found) throw;
    throw Error(Errc::io_failure, "{}: cannot be written: there is no such folder", path_.string());
  }
  if (readers == Readers::everyone) return;
  try {
    keep_private(beside_.fd, path_);
  } catch (...) {  // no destructor runs for an object that was never whole
    ::close(beside_.fd);
    ::unlink(beside_.path.c_str());
    throw;
  }
}

AtomicFile::~AtomicFile() {
  if (beside_.fd < 0) return;
  ::close(beside_.fd);
  ::unlink(beside_.path.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  HEARTH_CHECK(beside_.fd >= 0);
  write_all(beside_.fd, bytes, path_);
  written_bytes_ += bytes.size();
}

void AtomicFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text.data(), text.size())));
}

void AtomicFile::commit() {
  HEARTH_CHECK(beside_.fd >= 0);
  if (::fsync(beside_.fd) != 0) throw_errno(path_, "cannot be flushed to the disk");
  if (::rename(beside_.path.c_str(), path_.c_str()) != 0)
    throw_errno(path_, "cannot be renamed into place");
  ::close(beside_.fd);
  beside_.fd = -1;
  flush_folder(folder_of(path_));
}

}  // namespace hearth
