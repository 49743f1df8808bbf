// How keys and values lie in the pages of the KV cache, as kernels see one layer of it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hearth::llm {

enum class KvType { f32, f16, q8_0 };

/// Bytes of one head's row of `head_dim` elements; q8_0 needs a multiple of 32.
inline size_t kv_row_bytes(KvType type, int head_dim) {
  switch (type) {
    case KvType::f32:
      return size_t{4} * head_dim;
    case KvType::f16:
      return size_t{2} * head_dim;
    case KvType::q8_0:
      return size_t{34} * (head_dim / 32);
  }
  return 0;
}

/// One layer's keys and values. The row of (page, kv_head, slot) starts at
/// ((page * kv_heads + kv_head) * page_tokens + slot) * kv_row_bytes(type, head_dim_k or
/// head_dim_v).
struct KvLayer {
  std::byte* k = nullptr;  // [pages, kv_heads, page_tokens, head_dim_k]
  std::byte* v = nullptr;  // [pages, kv_heads, page_tokens, head_dim_v]
  KvType type = KvType::f16;
  int kv_heads = 0;
  int page_tokens = 0;
  int head_dim_k = 0;
  int head_dim_v = 0;
};

/// One token of a batch, as attention and the cache writer see it.
struct TokenPlace {
  int32_t position;  // 0-based in its sequence
  const int32_t*
      pages;  // its sequence's page table: position p lies in page pages[p / page_tokens]
};

}  // namespace hearth::llm
