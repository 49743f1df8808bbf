#include "hearth/store/registry/partial_blob.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "hearth/base/error.h"
#include "hearth/store/registry/http_exchange.h"

namespace hearth::store {
namespace {

constexpr size_t kPieceBytes = size_t{4} << 20;
constexpr size_t kRecordBytesMax = size_t{16} << 20;  // 300,000 ranges
constexpr uint64_t kStatBlockBytes = 512;             // the unit of st_blocks

fs::path data_path(const BlobFolder& blobs, const Digest& digest) {
  fs::path path = blobs.path(digest);
  return path += "-partial.hearth";
}

fs::path record_path(const BlobFolder& blobs, const Digest& digest) {
  fs::path path = blobs.path(digest);
  return path += "-partial.ranges";
}

// Whoever had the download may have made it a blob, or removed it, between open() and flock().
bool is_file_at(int fd, const fs::path& path) {
  struct stat open {
  }, named{};
  return ::fstat(fd, &open) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

FinishedRanges read_record(const fs::path& record, uint64_t size_bytes, uint64_t data_bytes) {
  try {
    const auto ranges = try_parse_ranges(read_file(record, kRecordBytesMax), size_bytes);
    // A record may outlive its bytes by a kill between the two removals.
    if (ranges && ranges->end() <= data_bytes) return *ranges;
  } catch (const Error&) {
    // No record, or none that can be read: the download begins anew, which heals it.
  }
  return FinishedRanges(size_bytes);
}

}  // namespace

std::unique_ptr<PartialBlob> PartialBlob::try_open(const BlobFolder& blobs, const Digest& digest,
                                                   uint64_t size_bytes) {
  const fs::path path = data_path(blobs, digest);
  for (;;) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) throw_errno(path, "cannot be opened");
    std::unique_ptr<PartialBlob> blob(new PartialBlob(blobs, digest, size_bytes, fd));
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return nullptr;
      throw_errno(path, "cannot be locked");
    }
    if (!is_file_at(fd, path)) continue;
    blob->open_record();
    return blob;
  }
}

uint64_t PartialBlob::finished_bytes(const BlobFolder& blobs, const Digest& digest,
                                     uint64_t size_bytes) {
  std::error_code error;
  const uint64_t data_bytes = fs::file_size(data_path(blobs, digest), error);
  if (error) return 0;
  return read_record(record_path(blobs, digest), size_bytes, data_bytes).finished_bytes();
}

PartialBlob::PartialBlob(const BlobFolder& blobs, const Digest& digest, uint64_t size_bytes,
                         int data)
    : blobs_(blobs),
      digest_(digest),
      size_bytes_(size_bytes),
      data_path_(data_path(blobs, digest)),
      record_path_(record_path(blobs, digest)),
      data_(data),
      finished_(size_bytes) {}

PartialBlob::~PartialBlob() {
  if (record_ >= 0) ::close(record_);
  if (data_ >= 0) ::close(data_);  // lets go of the lock
}

void PartialBlob::open_record() {
  struct stat status {};
  if (::fstat(data_, &status) != 0) throw_errno(data_path_, "cannot be looked at");
  finished_ = read_record(record_path_, size_bytes_, static_cast<uint64_t>(status.st_size));
  // Bytes beyond the blob, as when a manifest gave it another size before.
  if (static_cast<uint64_t>(status.st_size) > size_bytes_ &&
      ::ftruncate(data_, static_cast<off_t>(size_bytes_)) != 0)
    throw_errno(data_path_, "cannot be cut");
  // Written anew, so that a torn last line is gone before another is appended.
  const std::string text = finished_.print();
  PartialFile fresh(blobs_.folder());
  fresh.write(std::as_bytes(std::span(text)));
  fresh.rename_to(record_path_);
  record_ = ::open(record_path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
  if (record_ < 0) throw_errno(record_path_, "cannot be opened");
}

FinishedRanges PartialBlob::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

uint64_t PartialBlob::needed_bytes() const {
  struct stat status {};
  if (::fstat(data_, &status) != 0) throw_errno(data_path_, "cannot be looked at");
  const uint64_t stored_bytes = static_cast<uint64_t>(status.st_blocks) * kStatBlockBytes;
  return size_bytes_ - std::min(stored_bytes, size_bytes_);
}

void PartialBlob::write(uint64_t offset, std::span<const std::byte> bytes) {
  HEARTH_CHECK(offset <= size_bytes_ && bytes.size() <= size_bytes_ - offset);
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(data_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_errno(data_path_, "cannot be written");
    offset += static_cast<uint64_t>(put);
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
}

void PartialBlob::record(ByteRange range) {
  if (range.begin == range.end) return;
  if (::fdatasync(data_) != 0) throw_errno(data_path_, "cannot be flushed to the disk");
  const std::string line = print_range(range);
  const std::lock_guard lock(mutex_);
  write_all(record_, std::as_bytes(std::span(line)), record_path_);
  if (::fdatasync(record_) != 0) throw_errno(record_path_, "cannot be flushed to the disk");
  finished_.add(range);
}

Digest PartialBlob::hash(const std::stop_token& cancelled) const {
  Sha256 hash;
  std::vector<std::byte> piece(kPieceBytes);
  for (uint64_t at = 0; at < size_bytes_;) {
    if (cancelled.stop_requested()) throw_cancelled();
    const ssize_t got = ::pread(
        data_, piece.data(), static_cast<size_t>(std::min<uint64_t>(kPieceBytes, size_bytes_ - at)),
        static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno(data_path_, "cannot be read");
    if (got == 0) break;  // shorter than it should be: the digest will say so
    hash.update(std::span(piece).first(static_cast<size_t>(got)));
    at += static_cast<uint64_t>(got);
  }
  return hash.finish();
}

void PartialBlob::discard() {
  ::unlink(record_path_.c_str());
  ::unlink(data_path_.c_str());
}

void PartialBlob::verify_and_commit(const std::stop_token& cancelled) {
  const Digest actual = hash(cancelled);
  if (actual != digest_) {
    discard();
    throw Error(Errc::corrupt_data, "digest mismatch, expected \"{}\", got \"{}\"", digest_.text(),
                actual.text());
  }
  if (::fsync(data_) != 0) throw_errno(data_path_, "cannot be flushed to the disk");
  const fs::path path = blobs_.path(digest_);
  if (::rename(data_path_.c_str(), path.c_str()) != 0)
    throw_errno(path, "cannot be renamed into place");
  ::unlink(record_path_.c_str());
  flush_folder(blobs_.folder());
}

}  // namespace hearth::store
