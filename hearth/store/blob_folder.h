// The folder blobs/ of a model store: files named sha256-HEX after their content.
//
// Knows no manifests. Who may add and who may remove at which moment is ModelStore's concern.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "hearth/base/function_ref.h"
#include "hearth/store/digest.h"
#include "hearth/store/partial_file.h"

namespace hearth::store {

/// Bytes done so far, of the total; called every few MiB on the calling thread. An exception thrown
/// by it ends the work and removes what was written: that is how a caller cancels.
using BlobProgressFn = FunctionRef<void(uint64_t done_bytes, uint64_t total_bytes)>;

/// How a local file becomes a blob.
enum class TakeFile {
  copy,       // shares blocks copy-on-write where the file system can, else copies
  hard_link,  // a second name of the same file, else as `copy`; who writes into the file later
              // damages the blob
};

struct AddedBlob {
  Digest digest;
  uint64_t size_bytes = 0;
  bool was_there = false;  // a blob of this digest and size was there before
};

class BlobFolder {
 public:
  explicit BlobFolder(fs::path folder) : folder_(std::move(folder)) {}

  const fs::path& folder() const { return folder_; }
  fs::path path(const Digest& digest) const { return folder_ / ("sha256-" + digest.hex()); }
  /// The size in bytes, or nothing where there is no such blob.
  std::optional<uint64_t> try_size(const Digest& digest) const;
  /// All complete blobs, in order of digest. A folder that is not there has none.
  std::vector<Digest> list() const;

  /// A small blob as text. Errors: not_found, io_failure, resource_exhausted (above
  /// `size_max_bytes`), corrupt_data (its content has another digest).
  std::string read(const Digest& digest, size_t size_max_bytes) const;
  /// Reads the whole blob. Errors: as read() without a limit; corrupt_data also when it has another
  /// size than `size_bytes`.
  void verify(const Digest& digest, uint64_t size_bytes, BlobProgressFn progress) const;

  AddedBlob add_text(std::string_view text) const;
  /// Errors: not_found, io_failure, invalid_argument (no regular file), resource_exhausted.
  AddedBlob add_file(const fs::path& file, TakeFile how, BlobProgressFn progress) const;

 private:
  fs::path folder_;
};

/// Streams a new blob into the folder, hashing on the way. Destroyed before commit(), nothing
/// stays.
class BlobWriter {
 public:
  /// `blobs` is used until commit(). Errors: as PartialFile.
  explicit BlobWriter(const BlobFolder& blobs) : blobs_(blobs.folder()), file_(blobs.folder()) {}

  void write(std::span<const std::byte> bytes);
  uint64_t written_bytes() const { return file_.written_bytes(); }
  /// Makes the blob visible under its digest. A blob that is there already is replaced, which heals
  /// a damaged one. Errors: corrupt_data when `expected` is given and the content has another
  /// digest (the message is the one that Ollama's clients know), io_failure, resource_exhausted.
  AddedBlob commit(const std::optional<Digest>& expected = std::nullopt);

 private:
  BlobFolder blobs_;
  PartialFile file_;
  Sha256 hash_;
};

}  // namespace hearth::store
