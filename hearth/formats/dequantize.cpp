// The values of every block type. Plain loops over one block each; products are written in the
// order that the format's reference uses, so that results are equal bit for bit.
#include <cstring>

#include "hearth/base/error.h"
#include "hearth/formats/blocks.h"
#include "hearth/formats/quantize.h"

namespace hearth::formats {
namespace {

uint32_t load_u32(const uint8_t bytes[4]) {
  return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

void dequantize_block(const BlockQ4_0& b, float* out) {
  const float d = f16_to_f32(b.d);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>((b.qs[i] & 15) - 8);
    out[i + 16] = d * static_cast<float>((b.qs[i] >> 4) - 8);
  }
}

void dequantize_block(const BlockQ4_1& b, float* out) {
  const float d = f16_to_f32(b.d), m = f16_to_f32(b.m);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(b.qs[i] & 15) + m;
    out[i + 16] = d * static_cast<float>(b.qs[i] >> 4) + m;
  }
}

void dequantize_block(const BlockQ5_0& b, float* out) {
  const float d = f16_to_f32(b.d);
  const uint32_t high = load_u32(b.qh);
  for (int i = 0; i < 16; ++i) {
    const int low_q = (b.qs[i] & 15) | ((high >> i & 1) << 4);
    const int high_q = (b.qs[i] >> 4) | ((high >> (i + 16) & 1) << 4);
    out[i] = d * static_cast<float>(low_q - 16);
    out[i + 16] = d * static_cast<float>(high_q - 16);
  }
}

void dequantize_block(const BlockQ5_1& b, float* out) {
  const float d = f16_to_f32(b.d), m = f16_to_f32(b.m);
  const uint32_t high = load_u32(b.qh);
  for (int i = 0; i < 16; ++i) {
    const int low_q = (b.qs[i] & 15) | ((high >> i & 1) << 4);
    const int high_q = (b.qs[i] >> 4) | ((high >> (i + 16) & 1) << 4);
    out[i] = d * static_cast<float>(low_q) + m;
    out[i + 16] = d * static_cast<float>(high_q) + m;
  }
}

void dequantize_block(const BlockQ8_0& b, float* out) {
  const float d = f16_to_f32(b.d);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(b.qs[i]);
}

void dequantize_block(const BlockQ2_K& b, float* out) {
  const float d = f16_to_f32(b.d), dmin = f16_to_f32(b.dmin);
  for (int group = 0; group < 16; ++group, out += 16) {
    const float scale = d * static_cast<float>(b.scales[group] & 15);
    const float min = dmin * static_cast<float>(b.scales[group] >> 4);
    // 32 elements share a shift, 128 a run of 32 bytes.
    const uint8_t* qs = b.qs + 32 * (group / 8) + 16 * (group % 2);
    const int shift = 2 * (group / 2 % 4);
    for (int i = 0; i < 16; ++i) out[i] = scale * static_cast<float>(qs[i] >> shift & 3) - min;
  }
}

void dequantize_block(const BlockQ3_K& b, float* out) {
  const float d = f16_to_f32(b.d);
  for (int group = 0; group < 16; ++group, out += 16) {
    const int low = b.scales[group % 8] >> (group < 8 ? 0 : 4) & 15;
    const int high = b.scales[8 + group % 4] >> (2 * (group / 4)) & 3;
    const float scale = d * static_cast<float>((low | high << 4) - 32);
    const uint8_t* qs = b.qs + 32 * (group / 8) + 16 * (group % 2);
    const uint8_t* hmask = b.hmask + 16 * (group % 2);
    const int shift = 2 * (group / 2 % 4), bit = group / 2;
    for (int i = 0; i < 16; ++i) {
      const int q = (qs[i] >> shift & 3) - ((hmask[i] >> bit & 1) ? 0 : 4);
      out[i] = scale * static_cast<float>(q);
    }
  }
}

void dequantize_block(const BlockQ4_K& b, float* out) {
  const float d = f16_to_f32(b.d), dmin = f16_to_f32(b.dmin);
  for (int group = 0; group < 8; ++group, out += 32) {
    const ScaleMin sm = unpack_scale_min(b.scales, group);
    const float scale = d * static_cast<float>(sm.scale), min = dmin * static_cast<float>(sm.min);
    const uint8_t* qs = b.qs + 32 * (group / 2);
    const int shift = 4 * (group % 2);
    for (int i = 0; i < 32; ++i) out[i] = scale * static_cast<float>(qs[i] >> shift & 15) - min;
  }
}

void dequantize_block(const BlockQ5_K& b, float* out) {
  const float d = f16_to_f32(b.d), dmin = f16_to_f32(b.dmin);
  for (int group = 0; group < 8; ++group, out += 32) {
    const ScaleMin sm = unpack_scale_min(b.scales, group);
    const float scale = d * static_cast<float>(sm.scale), min = dmin * static_cast<float>(sm.min);
    const uint8_t* qs = b.qs + 32 * (group / 2);
    const int shift = 4 * (group % 2);
    for (int i = 0; i < 32; ++i) {
      const int q = (qs[i] >> shift & 15) | (b.qh[i] >> group & 1) << 4;
      out[i] = scale * static_cast<float>(q) - min;
    }
  }
}

void dequantize_block(const BlockQ6_K& b, float* out) {
  const float d = f16_to_f32(b.d);
  for (int group = 0; group < 16; ++group, out += 16) {
    const float scale = d * static_cast<float>(b.scales[group]);
    const int half = group / 8, quarter = group / 2 % 4, start = 16 * (group % 2);
    const uint8_t* ql = b.ql + 64 * half + 32 * (quarter % 2) + start;
    const uint8_t* qh = b.qh + 32 * half + start;
    const int low_shift = quarter < 2 ? 0 : 4, high_shift = 2 * quarter;
    for (int i = 0; i < 16; ++i) {
      const int q = (ql[i] >> low_shift & 15) | (qh[i] >> high_shift & 3) << 4;
      out[i] = scale * static_cast<float>(q - 32);
    }
  }
}

void dequantize_iq4(float scale, const uint8_t qs[16], float* out) {
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>(kIq4Values[qs[i] & 15]);
    out[i + 16] = scale * static_cast<float>(kIq4Values[qs[i] >> 4]);
  }
}

void dequantize_block(const BlockIQ4_NL& b, float* out) {
  dequantize_iq4(f16_to_f32(b.d), b.qs, out);
}

void dequantize_block(const BlockIQ4_XS& b, float* out) {
  const float d = f16_to_f32(b.d);
  const int scales_h = b.scales_h[0] | b.scales_h[1] << 8;
  for (int group = 0; group < 8; ++group) {
    const int low = b.scales_l[group / 2] >> (4 * (group % 2)) & 15;
    const int high = scales_h >> (2 * group) & 3;
    const float scale = d * static_cast<float>((low | high << 4) - 32);
    dequantize_iq4(scale, b.qs + 16 * group, out + 32 * group);
  }
}

void dequantize_block(const BlockMXFP4& b, float* out) {
  const float d = mxfp4_scale(b.e);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(kMxfp4Doubled[b.qs[i] & 15]);
    out[i + 16] = d * static_cast<float>(kMxfp4Doubled[b.qs[i] >> 4]);
  }
}

template <class Block>
void dequantize_blocks(const std::byte* row, std::span<float> out, size_t block_elems) {
  const auto* blocks = reinterpret_cast<const Block*>(row);  // alignment 1: any address will do
  for (size_t i = 0; i < out.size() / block_elems; ++i)
    dequantize_block(blocks[i], out.data() + i * block_elems);
}

template <float (*kConvert)(uint16_t)>
void widen(const std::byte* row, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    uint16_t element;
    std::memcpy(&element, row + 2 * i, sizeof element);
    out[i] = kConvert(element);
  }
}

}  // namespace

void dequantize_row(TensorType type, const std::byte* row, std::span<float> out) {
  const size_t elems = info(type).block_elems;
  HEARTH_CHECK(info(type).is_weight && out.size() % elems == 0);
  switch (type) {
    case TensorType::f32:
      std::memcpy(out.data(), row, out.size_bytes());
      return;
    case TensorType::f16:
      return widen<f16_to_f32>(row, out);
    case TensorType::bf16:
      return widen<bf16_to_f32>(row, out);
    case TensorType::q4_0:
      return dequantize_blocks<BlockQ4_0>(row, out, elems);
    case TensorType::q4_1:
      return dequantize_blocks<BlockQ4_1>(row, out, elems);
    case TensorType::q5_0:
      return dequantize_blocks<BlockQ5_0>(row, out, elems);
    case TensorType::q5_1:
      return dequantize_blocks<BlockQ5_1>(row, out, elems);
    case TensorType::q8_0:
      return dequantize_blocks<BlockQ8_0>(row, out, elems);
    case TensorType::q2_k:
      return dequantize_blocks<BlockQ2_K>(row, out, elems);
    case TensorType::q3_k:
      return dequantize_blocks<BlockQ3_K>(row, out, elems);
    case TensorType::q4_k:
      return dequantize_blocks<BlockQ4_K>(row, out, elems);
    case TensorType::q5_k:
      return dequantize_blocks<BlockQ5_K>(row, out, elems);
    case TensorType::q6_k:
      return dequantize_blocks<BlockQ6_K>(row, out, elems);
    case TensorType::iq4_nl:
      return dequantize_blocks<BlockIQ4_NL>(row, out, elems);
    case TensorType::iq4_xs:
      return dequantize_blocks<BlockIQ4_XS>(row, out, elems);
    case TensorType::mxfp4:
      return dequantize_blocks<BlockMXFP4>(row, out, elems);
    case TensorType::i8:
    case TensorType::i16:
    case TensorType::i32:
    case TensorType::i64:
    case TensorType::f64:
      break;  // not weights: refused above
  }
}

}  // namespace hearth::formats
