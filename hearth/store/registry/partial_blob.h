// A blob that is being downloaded: its bytes so far, and the record of which of them are durable.
//
//   blobs/sha256-HEX-partial.hearth   the bytes, at their places
//   blobs/sha256-HEX-partial.ranges   see finished_ranges.h
//
// A range enters the record after its bytes were flushed, so that a kill or a loss of power leaves
// a record that is true; what the record misses is fetched again. ModelStore::prune() takes both
// files away when asked to remove downloads; Ollama takes neither for its own.
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>

#include "hearth/store/blob_folder.h"
#include "hearth/store/registry/finished_ranges.h"

namespace hearth::store {

class PartialBlob {
 public:
  /// Begins a download or takes up an older one. Nothing while another process or thread has it.
  /// Errors: io_failure, resource_exhausted (disk full), as for all below.
  static std::unique_ptr<PartialBlob> try_open(const BlobFolder& blobs, const Digest& digest,
                                               uint64_t size_bytes);
  /// The finished bytes of a download that another may have.
  static uint64_t finished_bytes(const BlobFolder& blobs, const Digest& digest,
                                 uint64_t size_bytes);
  PartialBlob(const PartialBlob&) = delete;
  PartialBlob& operator=(const PartialBlob&) = delete;
  ~PartialBlob();

  const Digest& digest() const { return digest_; }
  uint64_t size_bytes() const { return size_bytes_; }
  /// A copy; may be asked while others write.
  FinishedRanges finished() const;
  /// Bytes of the disk that the rest will take.
  uint64_t needed_bytes() const;

  /// Puts bytes in their place, which must lie within the blob. Several threads may write at once.
  void write(uint64_t offset, std::span<const std::byte> bytes);
  /// Flushes what was written and notes that `range` is finished. Several threads may at once.
  void record(ByteRange range);

  /// Removes the download from the disk. Nothing may be done with the object afterwards.
  void discard();
  /// Reads all of it, holds it against the digest and makes it a blob of the folder. Nothing may be
  /// done with the object afterwards. Errors: corrupt_data (another digest: the download is removed
  /// and begins anew next time), unavailable (cancelled).
  void verify_and_commit(const std::stop_token& cancelled);

 private:
  PartialBlob(const BlobFolder& blobs, const Digest& digest, uint64_t size_bytes, int data);
  void open_record();
  Digest hash(const std::stop_token& cancelled) const;

  BlobFolder blobs_;
  Digest digest_;
  uint64_t size_bytes_;
  fs::path data_path_, record_path_;
  int data_ = -1, record_ = -1;
  mutable std::mutex mutex_;  // of the two below
  FinishedRanges finished_;
};

}  // namespace hearth::store
