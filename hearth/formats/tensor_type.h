// The element types of tensors in model files, as one table.
//
// Ids, block sizes and names are those of GGUF (ggml.h, enum ggml_type).
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hearth::formats {

enum class TensorType : uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q2_k = 10,
  q3_k = 11,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  iq4_nl = 20,
  iq4_xs = 23,
  i8 = 24,
  i16 = 25,
  i32 = 26,
  i64 = 27,
  f64 = 28,
  bf16 = 30,
  mxfp4 = 39,
};

struct TensorTypeInfo {
  TensorType type;
  std::string_view name;  // "Q4_K", as GGUF tools print it
  uint32_t block_elems;   // elements a block holds; a row is a whole number of blocks
  uint32_t block_bytes;
  bool is_weight;     // dequantize_row and matmul read it
  bool can_quantize;  // quantize_row writes it
};

/// Every known type, in the order in which `hearth quantize --help` lists them.
std::span<const TensorTypeInfo> tensor_types();
/// The row of a known type.
const TensorTypeInfo& info(TensorType type);
/// The type with this GGUF id; nothing for an id Hearth does not know.
std::optional<TensorType> try_tensor_type(uint32_t id);
/// The type with this name, letter case ignored ("q4_k", "Q4_K").
std::optional<TensorType> try_tensor_type(std::string_view name);
/// Bytes of a row of `elems` elements, which must be a multiple of the block.
size_t row_bytes(TensorType type, size_t elems);

}  // namespace hearth::formats
