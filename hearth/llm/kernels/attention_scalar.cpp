// The plain version of attention: any CPU, every type, and the oracle of the vector versions.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "hearth/formats/quantize.h"
#include "hearth/llm/kernels/attention_tile.h"

namespace hearth::llm {
namespace {

void load_row(KvType type, const std::byte* row, int dim, float* out) {
  switch (type) {
    case KvType::f32:
      std::memcpy(out, row, sizeof(float) * dim);
      return;
    case KvType::f16:
      formats::dequantize_row(formats::TensorType::f16, row, {out, size_t(dim)});
      return;
    case KvType::q8_0:
      formats::dequantize_row(formats::TensorType::q8_0, row, {out, size_t(dim)});
      return;
  }
}

float score(const AttentionTile& tile, const float* query, const float* key) {
  float dot = 0;
  for (int i = 0; i < tile.cache->head_dim_k; ++i) dot += query[i] * key[i];
  dot *= tile.scale;
  return tile.softcap > 0 ? tile.softcap * std::tanh(dot / tile.softcap) : dot;
}

// Adds the positions [first, last) of a block to a row's online softmax.
void add_block(const AttentionTile& tile, const TileBuffers& buffers, int row, int first, int last,
               PartialSoftmax& result) {
  const size_t k_stride = padded_dim(tile.cache->head_dim_k);
  const size_t v_stride = padded_dim(tile.cache->head_dim_v);
  const int dim_v = tile.cache->head_dim_v;
  float* acc = result.acc + row * v_stride;
  float max = result.max[row];
  for (int i = first; i < last; ++i) {
    buffers.scores[i] = score(tile, tile.query(row), buffers.keys + i * k_stride);
    max = std::max(max, buffers.scores[i]);
  }
  const float rescale = std::exp(result.max[row] - max);
  for (int d = 0; d < dim_v; ++d) acc[d] *= rescale;
  float sum = result.sum[row] * rescale;
  for (int i = first; i < last; ++i) {
    const float weight = std::exp(buffers.scores[i] - max);
    const float* value = buffers.values + i * v_stride;
    sum += weight;
    for (int d = 0; d < dim_v; ++d) acc[d] += weight * value[d];
  }
  result.max[row] = max;
  result.sum[row] = sum;
}

// ggml's block_q8_0: half-precision scale, 32 signed bytes. The same rounding as quantize_row, but
// not-a-number (which becomes -127) and huge numbers are no errors: there is nobody here to tell.
void store_block_q8_0(const float* x, std::byte* block) {
  float largest = 0;
  for (int i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(x[i]));
  store_scale_q8_0(largest, block);
  uint16_t half;
  std::memcpy(&half, block, 2);
  const float scale = formats::f16_to_f32(half);
  const float inverse = scale == 0 ? 0 : 1 / scale;
  for (int i = 0; i < 32; ++i) {
    const float q = x[i] * inverse;
    const float clamped = q > -127 ? std::min(q, 127.0f) : -127.0f;
    block[2 + i] = static_cast<std::byte>(static_cast<int8_t>(std::nearbyint(clamped)));
  }
}

}  // namespace

void attend_scalar(const AttentionTile& tile, const TileBuffers& buffers, PartialSoftmax result) {
  const KvLayer& cache = *tile.cache;
  const size_t k_stride = padded_dim(cache.head_dim_k), v_stride = padded_dim(cache.head_dim_v);
  std::fill_n(result.max, tile.rows, std::numeric_limits<float>::lowest());
  std::fill_n(result.sum, tile.rows, 0.0f);
  std::fill_n(result.acc, tile.rows * v_stride, 0.0f);
  for (int at = tile.begin; at < tile.end;) {
    const KeyBlock block = key_block(tile, at);
    for (int i = 0; i < block.keys; ++i) {
      load_row(cache.type, block.k + i * kv_row_bytes(cache.type, cache.head_dim_k),
               cache.head_dim_k, buffers.keys + i * k_stride);
      load_row(cache.type, block.v + i * kv_row_bytes(cache.type, cache.head_dim_v),
               cache.head_dim_v, buffers.values + i * v_stride);
    }
    for (int row = 0; row < tile.rows; ++row) {
      const int first = std::max(tile.first_seen(row) - at, 0);
      const int last = std::min(tile.position(row) + 1 - at, block.keys);
      if (first < last) add_block(tile, buffers, row, first, last, result);
    }
    at += block.keys;
  }
}

void store_row_scalar(const float* x, int elems, KvType type, std::byte* row) {
  switch (type) {
    case KvType::f32:
      std::memcpy(row, x, sizeof(float) * elems);
      return;
    case KvType::f16:
      for (int i = 0; i < elems; ++i) {
        const uint16_t half = formats::f32_to_f16(x[i]);
        std::memcpy(row + 2 * i, &half, 2);
      }
      return;
    case KvType::q8_0:
      for (int i = 0; i < elems; i += 32) store_block_q8_0(x + i, row + i / 32 * 34);
      return;
  }
}

}  // namespace hearth::llm
