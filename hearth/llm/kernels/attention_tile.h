// The piece of attention that has one implementation per instruction set: a few query rows of one
// KV head against a range of positions.
//
// Row r of a run of tokens is query head r % group of token r / group, where group = heads per KV
// head: rows that share keys stand together. Online softmax leaves, per row, the largest score, the
// sum of exponentials below it and the values weighted by them; ranges of positions are merged from
// these three afterwards (flash-decoding).
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "hearth/compute/cpu_features.h"
#include "hearth/formats/quantize.h"
#include "hearth/llm/kernels/attention.h"
#include "hearth/llm/kernels/kv_layout.h"

namespace hearth::llm {

inline constexpr int kTileRows = 32;    // query rows of a tile at most
inline constexpr int kBlockKeys = 32;   // keys that are unpacked and scored at once at most
inline constexpr int kDimPadding = 16;  // rows in buffers are padded to a whole vector with zeros

inline constexpr size_t padded_dim(int dim) {
  return (static_cast<size_t>(dim) + kDimPadding - 1) / kDimPadding * kDimPadding;
}

inline constexpr int kScoreElems = 2176;  // scores of a tile kept at once at most

struct AttentionTile {
  const KvLayer* cache;
  const int32_t* pages;  // the sequence's page table
  int kv_head;
  int group;                 // query heads of this KV head
  const float* q;            // the run's first token at the KV head's first query head
  size_t q_stride;           // elements from one token to the next
  const TokenPlace* places;  // [tokens of the run]
  int first_row;             // of the run
  int rows;                  // 1..kTileRows
  int begin, end;            // positions looked at; rows mask those they must not see
  float scale;
  float softcap;  // 0: none
  int window;     // 0: none

  int position(int row) const { return places[(first_row + row) / group].position; }
  /// First position that `row` sees.
  int first_seen(int row) const {
    return window > 0 && position(row) >= window ? position(row) - window + 1 : 0;
  }
  const float* query(int row) const {
    const int r = first_row + row;
    return q + static_cast<size_t>(r / group) * q_stride +
           static_cast<size_t>(r % group) * cache->head_dim_k;
  }
};

/// What a range of positions contributed. A row that saw nothing has sum 0.
struct PartialSoftmax {
  float* max;  // [rows] largest score
  float* sum;  // [rows] sum of e^(score - max)
  float* acc;  // [rows, padded_dim(head_dim_v)] sum of e^(score - max) * value
};

/// One thread's buffers; 64-byte aligned.
struct TileBuffers {
  float* keys;             // [kBlockKeys, padded_dim(head_dim_k)]
  float* values;           // [kBlockKeys, padded_dim(head_dim_v)]
  float* queries;          // [padded_dim(head_dim_k) * kTileRows]
  float* scores;           // [kScoreElems]
  PartialSoftmax partial;  // [kTileRows]
};

using AttendFn = void(const AttentionTile& tile, const TileBuffers& buffers, PartialSoftmax result);
/// x [elems] f32 to a row of the cache; q8_0 rows hold a multiple of 32.
using StoreRowFn = void(const float* x, int elems, KvType type, std::byte* row);

/// attention() by a given implementation.
void attention_by(AttendFn* attend, float* out, const float* q, const KvLayer& cache,
                  std::span<const TokenPlace> tokens, const AttentionShape& shape,
                  AttentionScratch& scratch, ThreadPool& pool);
std::span<const cpu::Impl<AttendFn>> attend_impls();
std::span<const cpu::Impl<StoreRowFn>> store_row_impls();

/// The slots of one page from `position` on, at most kBlockKeys and before `end`.
struct KeyBlock {
  const std::byte* k;
  const std::byte* v;
  int keys;
};

inline KeyBlock key_block(const AttentionTile& tile, int position) {
  const KvLayer& cache = *tile.cache;
  const int slot = position % cache.page_tokens;
  const size_t row =
      (static_cast<size_t>(tile.pages[position / cache.page_tokens]) * cache.kv_heads +
       tile.kv_head) *
          cache.page_tokens +
      slot;
  int keys = cache.page_tokens - slot;
  if (keys > tile.end - position) keys = tile.end - position;
  if (keys > kBlockKeys) keys = kBlockKeys;
  return {cache.k + row * kv_row_bytes(cache.type, cache.head_dim_k),
          cache.v + row * kv_row_bytes(cache.type, cache.head_dim_v), keys};
}

void attend_scalar(const AttentionTile& tile, const TileBuffers& buffers, PartialSoftmax result);
void store_row_scalar(const float* x, int elems, KvType type, std::byte* row);
#if defined(__x86_64__)
void attend_avx2(const AttentionTile& tile, const TileBuffers& buffers, PartialSoftmax result);
void attend_avx512(const AttentionTile& tile, const TileBuffers& buffers, PartialSoftmax result);
void store_row_avx2(const float* x, int elems, KvType type, std::byte* row);
void store_row_avx512(const float* x, int elems, KvType type, std::byte* row);
#endif

/// The scale of a q8_0 block whose largest magnitude is `largest`, as a half: largest / 127, at
/// most the largest finite half (formats refuses those; a cache has nobody to tell).
inline void store_scale_q8_0(float largest, std::byte* block) {
  const uint16_t half = formats::f32_to_f16(largest < 127 * 65504.0f ? largest / 127 : 65504.0f);
  std::memcpy(block, &half, 2);
}

}  // namespace hearth::llm
