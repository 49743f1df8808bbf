// Safetensors files: a JSON header, then raw tensors. One file, or a folder of shards with an
// index.
//
// Format: huggingface/safetensors README ("Format"): u64 length of the header, the header, the
// data. Everything in the file is hostile until checked; an error (corrupt_data, unsupported) names
// the file, the tensor and the limit.
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/base/files.h"

namespace hearth::formats {

enum class SafetensorsType : uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

/// "BF16", as the header spells it.
std::string_view name(SafetensorsType type);
/// Bytes of an element.
uint32_t elem_bytes(SafetensorsType type);

/// A tensor of a file. Row-major: the last dimension of `shape` is contiguous, the reverse of GGUF.
struct SafeTensor {
  std::string name;
  SafetensorsType type = SafetensorsType::f32;
  std::vector<uint64_t> shape;       // may be empty: one number
  std::span<const std::byte> bytes;  // in the mapping that the Safetensors owns

  uint64_t elems() const { return bytes.size() / elem_bytes(type); }
};

/// The header is read whole: its limit, that of the reference implementation.
constexpr uint64_t kSafetensorsHeaderBytesMax = 100'000'000;

/// Open safetensors: one file or several. Owns the mappings; tensors point into them. Move-only.
class Safetensors {
 public:
  /// Opens one file. Errors: not_found, io_failure, corrupt_data, unsupported; each names the file.
  static Safetensors open(const fs::path& path);
  /// Opens what a model folder holds: the shards that model.safetensors.index.json names, or
  /// model.safetensors, or the only *.safetensors file. A shard may hold tensors that the index
  /// does not name. Errors: as open(); not_found when there is none; corrupt_data when a tensor is
  /// not in the shard that the index says, or in two.
  static Safetensors open_folder(const fs::path& folder);
  /// Parses one file that is already in memory. `bytes` must outlive the result.
  static Safetensors parse(std::span<const std::byte> bytes, std::string_view name);

  /// In the order of the data; of several files, in the order of their names.
  const std::vector<SafeTensor>& tensors() const { return tensors_; }
  const SafeTensor* find(std::string_view name) const;
  /// Errors: not_found, naming file or folder and tensor.
  const SafeTensor& tensor(std::string_view name) const;
  /// "__metadata__" of the header (of the first file): text to text.
  const std::map<std::string, std::string, std::less<>>& metadata() const { return metadata_; }
  const std::string& name() const { return name_; }  // the path it was opened as

 private:
  friend class SafetensorsParser;
  std::string name_;
  std::vector<MappedFile> files_;
  std::vector<SafeTensor> tensors_;
  std::map<std::string, size_t, std::less<>> index_;
  std::map<std::string, std::string, std::less<>> metadata_;
};

/// out[i] = element first + i of the tensor as a float; integers and F64 are rounded to the nearest
/// float. [first, first + out.size()) must lie in the tensor.
void read_floats(const SafeTensor& tensor, uint64_t first, std::span<float> out);

}  // namespace hearth::formats
