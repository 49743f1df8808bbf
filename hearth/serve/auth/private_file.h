// Small private files that several processes change: whole or not at all, one at a time.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "hearth/base/files.h"

namespace hearth::serve {

/// Keeps other processes, and other locks of this one, from changing the private files of a folder.
/// The folder itself is what is locked, so that no lock file is left whose owner is the wrong one.
class FolderLock {
 public:
  /// Waits for whoever holds it; makes the folder where it is missing. Errors: io_failure.
  explicit FolderLock(const fs::path& folder);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  int fd_ = -1;
};

/// The file's text; nothing where there is none. Errors: io_failure, resource_exhausted above
/// `size_max_bytes`, invalid_argument (no regular file).
std::optional<std::string> try_read_private(const fs::path& file, size_t size_max_bytes);
/// Replaces the file: mode 0600, written beside and renamed. Errors: io_failure.
void write_private(const fs::path& file, std::string_view text);

}  // namespace hearth::serve
