#include "hearth/store/blob_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "hearth/base/error.h"
#include "hearth/store/folder_entries.h"

namespace hearth::store {
namespace {

constexpr size_t kPieceBytes = size_t{4} << 20;

/// A regular file that is read from its beginning to its end in pieces.
class PieceReader {
 public:
  explicit PieceReader(const fs::path& path) : path_(path), buffer_(kPieceBytes) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd_ < 0) throw_errno(path, "cannot be opened");
    struct stat status {};
    if (::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) {
      ::close(fd_);
      throw Error(Errc::invalid_argument, "{}: not a regular file", path.string());
    }
    size_bytes_ = static_cast<uint64_t>(status.st_size);
  }
  PieceReader(const PieceReader&) = delete;
  PieceReader& operator=(const PieceReader&) = delete;
  ~PieceReader() { ::close(fd_); }

  int fd() const { return fd_; }
  uint64_t size_bytes() const { return size_bytes_; }
  uint64_t done_bytes() const { return done_bytes_; }
  /// The next piece; empty at the end.
  std::span<const std::byte> next() {
    ssize_t got = 0;
    do {
      got = ::read(fd_, buffer_.data(), buffer_.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) throw_errno(path_, "cannot be read");
    done_bytes_ += static_cast<uint64_t>(got);
    return std::span(buffer_).first(static_cast<size_t>(got));
  }

 private:
  fs::path path_;
  int fd_ = -1;
  uint64_t size_bytes_ = 0, done_bytes_ = 0;
  std::vector<std::byte> buffer_;
};

Digest hash_all(PieceReader& reader, BlobProgressFn progress) {
  Sha256 hash;
  for (auto piece = reader.next(); !piece.empty(); piece = reader.next()) {
    hash.update(piece);
    progress(reader.done_bytes(), reader.size_bytes());
  }
  return hash.finish();
}

void check_digest(const fs::path& path, const Digest& expected, const Digest& actual) {
  if (actual != expected)
    throw Error(Errc::corrupt_data, "{}: damaged: its content has the digest {}", path.string(),
                actual.text());
}

AddedBlob put_in_place(const BlobFolder& blobs, PartialFile& file, const Digest& digest,
                       uint64_t size_bytes) {
  const AddedBlob added{digest, size_bytes, blobs.try_size(digest) == size_bytes};
  file.rename_to(blobs.path(digest));
  return added;
}

}  // namespace

std::optional<uint64_t> BlobFolder::try_size(const Digest& digest) const {
  struct stat status {};
  if (::stat(path(digest).c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return static_cast<uint64_t>(status.st_size);
}

std::vector<Digest> BlobFolder::list() const {
  std::vector<Digest> digests;
  for (const fs::path& file : entries_of(folder_))
    // Only the very name that path() gives: a file "sha256:…" or in capitals is none of ours.
    if (const auto digest = try_digest(file.filename().string()); digest && path(*digest) == file)
      digests.push_back(*digest);
  return digests;
}

std::string BlobFolder::read(const Digest& digest, size_t size_max_bytes) const {
  std::string text = read_file(path(digest), size_max_bytes);
  check_digest(path(digest), digest, sha256(text));
  return text;
}

void BlobFolder::verify(const Digest& digest, uint64_t size_bytes, BlobProgressFn progress) const {
  PieceReader reader(path(digest));
  if (reader.size_bytes() != size_bytes)
    throw Error(Errc::corrupt_data, "{}: damaged: {} bytes, its manifest says {}",
                path(digest).string(), reader.size_bytes(), size_bytes);
  check_digest(path(digest), digest, hash_all(reader, progress));
}

AddedBlob BlobFolder::add_text(std::string_view text) const {
  BlobWriter writer(*this);
  writer.write(std::as_bytes(std::span(text.data(), text.size())));
  return writer.commit();
}

AddedBlob BlobFolder::add_file(const fs::path& file, TakeFile how, BlobProgressFn progress) const {
  PieceReader source(file);
  PartialFile partial(folder_);
  const bool is_shared =
      (how == TakeFile::hard_link && partial.try_link(file)) || partial.try_clone(source.fd());
  if (is_shared) {
    // What is hashed is what will be the blob, even if the name `file` is given to another file
    // now.
    PieceReader taken(partial.path());
    const Digest digest = hash_all(taken, progress);
    return put_in_place(*this, partial, digest, taken.done_bytes());
  }
  Sha256 hash;
  for (auto piece = source.next(); !piece.empty(); piece = source.next()) {
    hash.update(piece);
    partial.write(piece);
    progress(source.done_bytes(), source.size_bytes());
  }
  return put_in_place(*this, partial, hash.finish(), partial.written_bytes());
}

void BlobWriter::write(std::span<const std::byte> bytes) {
  hash_.update(bytes);
  file_.write(bytes);
}

AddedBlob BlobWriter::commit(const std::optional<Digest>& expected) {
  const Digest digest = hash_.finish();
  if (expected && digest != *expected)
    throw Error(Errc::corrupt_data, "digest mismatch, expected \"{}\", got \"{}\"",
                expected->text(), digest.text());
  return put_in_place(blobs_, file_, digest, file_.written_bytes());
}

}  // namespace hearth::store
