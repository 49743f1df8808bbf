// GGUF model files: a header of typed metadata, then tensors. Versions 2 and 3, little-endian, also
// in splits.
//
// Format: ggml docs/gguf.md. Everything in the file is hostile until checked: an error
// (corrupt_data, unsupported) names the file, the field and the limit; no allocation is larger than
// the file justifies. At most 256 MiB of header, 2^14 keys, 2^20 tensors and 2^24 items of an array
// are read.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/base/files.h"
#include "hearth/formats/tensor_type.h"

namespace hearth::formats {

/// Value type ids of the format, in the order of GgufValue's alternatives.
enum class GgufType : uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  string,
  array,
  u64,
  i64,
  f64
};

struct GgufArray;
/// One metadata value with the width it has in the file.
using GgufValue = std::variant<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, float, bool,
                               std::string, GgufArray, uint64_t, int64_t, double>;

/// An array of one scalar type or of strings. Nested arrays are refused.
struct GgufArray {
  std::variant<std::vector<uint8_t>, std::vector<int8_t>, std::vector<uint16_t>,
               std::vector<int16_t>, std::vector<uint32_t>, std::vector<int32_t>,
               std::vector<float>, std::vector<bool>, std::vector<std::string>,
               std::vector<uint64_t>, std::vector<int64_t>, std::vector<double>>
      items;
  size_t size() const;
  bool operator==(const GgufArray&) const = default;
};

/// A tensor of a file: where its bytes lie, and how to read them.
struct GgufTensor {
  std::string name;
  TensorType type = TensorType::f32;
  std::vector<uint64_t>
      shape;  // [ne0, ne1, …] as in the file: ne0 is contiguous; 1 to 4 entries, each >= 1
  std::span<const std::byte> bytes;  // in the mapping that the Gguf owns

  uint64_t elems() const;
  /// ne0: elements of a row. A weight [out, in] of PyTorch has shape {in, out}: cols() = in, rows()
  /// = out.
  uint64_t cols() const { return shape[0]; }
  uint64_t rows() const { return elems() / shape[0]; }
};

/// An open model file (all splits of it). Owns the mappings; tensors point into them. Move-only.
class Gguf {
 public:
  /// Opens FILE, or for a name like X-00001-of-00005.gguf all five. Errors: not_found, io_failure,
  /// corrupt_data, unsupported; each names the file.
  static Gguf open(const fs::path& path);
  /// Parses one file that is already in memory (tests, fuzzers). `bytes` must outlive the result.
  static Gguf parse(std::span<const std::byte> bytes, std::string_view name);

  const std::string& name() const { return name_; }  // the path it was opened as
  uint32_t version() const { return version_; }
  uint64_t size_bytes() const { return size_bytes_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  /// Metadata in the order of the file.
  const std::vector<std::pair<std::string, GgufValue>>& metadata() const { return metadata_; }

  const GgufTensor* find_tensor(std::string_view name) const;
  /// Errors: not_found, naming file and tensor.
  const GgufTensor& tensor(std::string_view name) const;
  const GgufValue* find(std::string_view key) const;

  /// Typed access with conversion between integer widths (and integer to float) where the value
  /// fits. Absent gives nothing; another type or a value out of range is corrupt_data naming the
  /// key.
  std::optional<std::string> try_string(std::string_view key) const;
  std::optional<uint64_t> try_u64(std::string_view key) const;
  std::optional<int64_t> try_i64(std::string_view key) const;
  std::optional<double> try_f64(std::string_view key) const;
  std::optional<bool> try_bool(std::string_view key) const;
  /// nullptr when absent; corrupt_data when the array holds another type.
  const std::vector<std::string>* try_strings(std::string_view key) const;
  std::optional<std::vector<float>> try_floats(std::string_view key) const;
  std::optional<std::vector<int64_t>> try_ints(std::string_view key) const;  // also bools
  /// As above; absent is corrupt_data naming file and key.
  std::string string(std::string_view key) const;
  uint64_t u64(std::string_view key) const;
  double f64(std::string_view key) const;

 private:
  friend class GgufParser;
  std::string name_;
  uint32_t version_ = 3;
  uint64_t size_bytes_ = 0;
  std::vector<MappedFile> files_;
  std::vector<std::pair<std::string, GgufValue>> metadata_;
  std::map<std::string, size_t, std::less<>> metadata_index_;
  std::vector<GgufTensor> tensors_;
  std::map<std::string, size_t, std::less<>> tensor_index_;
};

/// Writes GGUF v3. Tensors are declared first, so that the header is complete, and then written in
/// that order.
class GgufWriter {
 public:
  explicit GgufWriter(const fs::path& path);

  /// Keys are written in the order of the calls; a second value for a key replaces the first.
  /// `general.alignment` (an integer, written as u32; a power of two from 8 to 2^20) sets the
  /// alignment of the tensors; 32 without it. Errors: invalid_argument (any other alignment).
  void set(std::string key, GgufValue value);
  /// Declares the next tensor. `shape` as in GgufTensor. Errors: invalid_argument (shape, name of
  /// more than 255 bytes, a second of that name).
  void declare(std::string name, TensorType type, std::vector<uint64_t> shape);
  /// The bytes of the next declared tensor, in one or several pieces; padding is added.
  void write(std::span<const std::byte> bytes);
  /// Ends the file: everything declared must have been written. Renamed into place here.
  void finish();

 private:
  struct Declared {
    std::string name;
    TensorType type;
    std::vector<uint64_t> shape;
    uint64_t size_bytes;
  };
  void write_header();
  void pad();

  AtomicFile file_;
  std::vector<std::pair<std::string, GgufValue>> metadata_;
  std::vector<Declared> tensors_;
  std::set<std::string, std::less<>> names_;  // of tensors_, to find a second one of the same name
  uint32_t alignment_;
  size_t current_ = 0;            // index of the tensor being written
  uint64_t current_written_ = 0;  // its bytes so far
  bool header_written_ = false;
};

}  // namespace hearth::formats
