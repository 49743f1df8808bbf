// A file on its way into the store: written under a name that nobody reads, then renamed.
//
// A kill at any moment leaves either nothing, or a file "partial-PID-N" that prune() takes away.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "hearth/base/files.h"

namespace hearth::store {

/// True for the file names that PartialFile gives: "partial-…".
bool is_partial_file_name(std::string_view name);

/// Several may be written at once, by threads and by processes. Destroyed before rename_to(), it is
/// removed.
class PartialFile {
 public:
  /// Begins a file in `folder`, which must be on the file system of the later name. Errors:
  /// not_found, io_failure, resource_exhausted (disk full), as for all below.
  explicit PartialFile(const fs::path& folder);
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;
  ~PartialFile();

  void write(std::span<const std::byte> bytes);
  /// Makes the content that of the file `source`, sharing its blocks copy-on-write. False, with
  /// nothing written, where the file system cannot.
  bool try_clone(int source);
  /// Becomes a second name of the file at `source`. False where that is impossible: another file
  /// system, or not allowed.
  bool try_link(const fs::path& source);
  /// Flushes content and name to the disk; an older file at `path` is replaced.
  void rename_to(const fs::path& path);

  const fs::path& path() const { return file_.path; }
  uint64_t written_bytes() const { return written_bytes_; }

 private:
  NewFile file_;
  uint64_t written_bytes_ = 0;
};

}  // namespace hearth::store
