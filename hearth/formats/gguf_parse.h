// The parser behind Gguf: one file's bytes to metadata and tensors; and what reader and writer
// agree on. Seen by gguf*.cpp only.
#pragma once
#include <bit>
#include <optional>
#include <span>
#include <string_view>

#include "hearth/formats/gguf.h"

namespace hearth::formats {

constexpr uint32_t kGgufAlignmentDefault = 32;
constexpr uint32_t kGgufAlignmentMin = 8, kGgufAlignmentMax = 1 << 20;
constexpr uint64_t kGgufTensorNameBytesMax = 255;  // the specification says 64; files pass it

constexpr bool is_gguf_alignment(uint64_t bytes) {
  return std::has_single_bit(bytes) && bytes >= kGgufAlignmentMin && bytes <= kGgufAlignmentMax;
}

/// The value when it is an integer of at least 0.
std::optional<uint64_t> try_u64(const GgufValue& value);
/// Bytes of a tensor whose rows are whole blocks; nothing when they are more than 2^64.
std::optional<uint64_t> try_tensor_bytes(TensorType type, std::span<const uint64_t> shape);

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
  static void append_tensors(const fs::path& path, Gguf& part, Gguf& out);
};

}  // namespace hearth::formats
