// The parser behind Gguf: one file's bytes to metadata and tensors. Seen by gguf*.cpp only.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "hearth/formats/gguf.h"

namespace hearth::formats {

/// `text` from a file as it may stand in an error message: at most 80 bytes, nothing that a
/// terminal obeys.
std::string printable(std::string_view text);

class GgufParser {
 public:
  /// Fills `out` with the header of one file. `bytes` must outlive `out`; `name` goes into
  /// messages.
  static void parse(std::span<const std::byte> bytes, std::string_view name, Gguf& out);
  /// Opens the file, or all files of a split.
  static void open(const fs::path& path, Gguf& out);

 private:
  static void open_splits(const fs::path& path, Gguf& out);
  static void append_split(const fs::path& path, uint64_t number, uint64_t count, Gguf& out);
};

}  // namespace hearth::formats
