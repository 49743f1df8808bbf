// One quantiser a block type; x has as many elements as the block. Called by quantize_row() only,
// which has checked that every value is finite and of a magnitude whose square a float can hold.
#pragma once
#include <cstdint>

#include "hearth/formats/blocks.h"

namespace hearth::formats {

void quantize_block(const float* x, BlockQ4_0& block);
void quantize_block(const float* x, BlockQ4_1& block);
void quantize_block(const float* x, BlockQ5_0& block);
void quantize_block(const float* x, BlockQ5_1& block);
void quantize_block(const float* x, BlockQ8_0& block);
void quantize_block(const float* x, BlockQ2_K& block);
void quantize_block(const float* x, BlockQ3_K& block);
void quantize_block(const float* x, BlockQ4_K& block);
void quantize_block(const float* x, BlockQ5_K& block);
void quantize_block(const float* x, BlockQ6_K& block);
void quantize_block(const float* x, BlockIQ4_NL& block);
void quantize_block(const float* x, BlockIQ4_XS& block);
void quantize_block(const float* x, BlockMXFP4& block);

/// `scale` as a half. Errors: invalid_argument when it is above 65504, the largest one.
uint16_t scale_to_half(float scale);

}  // namespace hearth::formats
