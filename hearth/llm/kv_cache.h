// The memory of sequences: keys and values in fixed pages, shared between sequences with a common
// prefix.
//
// A page holds page_tokens consecutive positions of all layers. Only full pages are shared, so a
// shared page is never written. Used by one thread (the one that owns the model).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "hearth/llm/kernels/kv_layout.h"
#include "hearth/llm/prefix_index.h"

namespace hearth::llm {

struct KvShape {
  int layers = 0;
  int kv_heads = 0;
  int head_dim_k = 0;
  int head_dim_v = 0;
  int page_tokens = 32;
};

class KvCache {
 public:
  /// Reserves memory for `pages` pages; the system provides it when first touched.
  /// Errors: invalid_argument (q8_0 with a head_dim that is no multiple of 32, pages < 1),
  /// resource_exhausted.
  KvCache(const KvShape& shape, KvType type, int pages);
  ~KvCache();
  KvCache(const KvCache&) = delete;
  KvCache& operator=(const KvCache&) = delete;

  const KvShape& shape() const { return shape_; }
  KvType type() const { return type_; }
  int pages_total() const { return static_cast<int>(references_.size()); }
  /// Pages that try_allocate could hand out now, those kept only for reuse included.
  int pages_free() const;
  size_t page_bytes() const;
  KvLayer layer(int index) const;

  /// A page with one reference. Takes a free page first, then forgets the prefix unused for
  /// longest. Nothing when every page is in use.
  std::optional<int32_t> try_allocate();
  void retain(int32_t page);
  /// Drops a reference. A published page without references stays for reuse until try_allocate
  /// needs it.
  void release(int32_t page);

  /// Makes a full page findable by the tokens it holds and all before it, and by its origin, which
  /// is that of the earlier pages too. `prefix` is the ids from
  /// position 0 to the end of this page: a multiple of page_tokens. A page with the same prefix
  /// already published keeps its place; a prefix whose earlier pages are not published (any more)
  /// is not findable, so nothing happens. The caller holds a reference to the page.
  void publish(int32_t page, std::span<const int32_t> prefix, const PageOrigin& origin = {});
  /// The published pages of `origin` that hold the longest prefix of `tokens`, each retained for
  /// the caller.
  std::vector<int32_t> find_prefix(std::span<const int32_t> tokens, const PageOrigin& origin = {});

 private:
  // A list of pages without references, those released last at the end, linked through arrays.
  struct Link {
    int32_t before, after;
  };
  size_t layer_bytes_k() const;
  size_t layer_bytes_v() const;
  void reserve_memory();
  void append_reusable(int32_t page);
  void remove_reusable(int32_t page);
  int32_t forget_oldest();

  KvShape shape_;
  KvType type_;
  std::byte* memory_ = nullptr;
  size_t memory_bytes_ = 0;
  std::vector<int32_t> references_;  // per page
  std::vector<int32_t> free_;        // a stack: pages that were used before are taken again first
  std::vector<Link> reusable_;       // per page, and the list's ends in the last entry
  int reusable_count_ = 0;
  std::unique_ptr<PrefixIndex> published_;
};

}  // namespace hearth::llm
