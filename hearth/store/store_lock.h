// The lock of a model store between processes: many may add at once, removing blobs happens alone.
#pragma once
#include <chrono>
#include <optional>

#include "hearth/base/files.h"

namespace hearth::store {

/// Held while it lives; the kernel lets go when the process ends, however it ends. Move-only. Two
/// locks of one process exclude each other as those of two processes do.
class StoreLock {
 public:
  /// Waits while another process removes. Creates the file if it is not there. Errors: io_failure.
  static StoreLock shared(const fs::path& file);
  /// Nothing when anyone else still holds the lock after `wait`. Errors: io_failure.
  static std::optional<StoreLock> try_exclusive(const fs::path& file,
                                                std::chrono::milliseconds wait);

  StoreLock(StoreLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  StoreLock& operator=(StoreLock&&) = delete;
  ~StoreLock();

 private:
  explicit StoreLock(const fs::path& file);
  int fd_ = -1;
};

}  // namespace hearth::store
