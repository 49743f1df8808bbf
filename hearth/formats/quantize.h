// Rows of numbers to and from the block types: the definitions that every fast kernel is held
// against.
//
// Layouts: `blocks.h`. Both directions work on little-endian bytes with no alignment.
#pragma once
#include <cstddef>
#include <span>

#include "hearth/formats/tensor_type.h"

namespace hearth::formats {

/// out[i] = the value of element i of a row in `type`; is_weight types only.
///   row   row_bytes(type, out.size()) bytes
///   out   a multiple of the block
void dequantize_row(TensorType type, const std::byte* row, std::span<float> out);

/// The inverse, rounding to the nearest representable value as the type's quantiser defines it;
/// can_quantize types.
///   x     a multiple of the block
///   row   row_bytes(type, x.size()) bytes, overwritten
/// Errors: invalid_argument for not-a-number, infinity and what the type or its scales cannot hold;
/// `row` is then undefined.
void quantize_row(TensorType type, std::span<const float> x, std::byte* row);

/// IEEE half and bfloat16, rounding to nearest even. NaN stays NaN.
float f16_to_f32(uint16_t half);
uint16_t f32_to_f16(float value);
float bf16_to_f32(uint16_t brain);
uint16_t f32_to_bf16(float value);

}  // namespace hearth::formats
