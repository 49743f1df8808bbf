#include "hearth/llm/kv_cache.h"

#include <sys/mman.h>

#include <algorithm>

#include "hearth/base/error.h"

namespace hearth::llm {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

// Keys of one layer lie side by side, and so do its values. A cache line's boundary keeps rows of
// one layer out of the lines of another.
size_t region_bytes(const KvShape& shape, KvType type, int pages, int head_dim) {
  return round_up(size_t(pages) * shape.kv_heads * shape.page_tokens * kv_row_bytes(type, head_dim),
                  64);
}

void check_shape(const KvShape& shape, KvType type, int pages) {
  if (pages < 1) throw Error(Errc::invalid_argument, "a KV cache of {} pages holds nothing", pages);
  HEARTH_CHECK(shape.layers > 0 && shape.kv_heads > 0 && shape.page_tokens > 0);
  for (int head_dim : {shape.head_dim_k, shape.head_dim_v})
    if (type == KvType::q8_0 && head_dim % 32 != 0)
      throw Error(Errc::invalid_argument,
                  "a q8_0 KV cache needs heads of a multiple of 32 elements, the model's have {}",
                  head_dim);
}

// Huge pages save page-table walks when attention streams a long context, but each is 2 MiB of
// memory at the first touch. A region's first one stays in small pages, so that a short chat with
// many layers costs what it uses.
void advise_huge_pages(std::byte* region, size_t bytes) {
  if (bytes <= kHugePage) return;
  const auto page = reinterpret_cast<uintptr_t>(region) + kHugePage;
  const auto begin = round_up(page, kHugePage), end = reinterpret_cast<uintptr_t>(region) + bytes;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

}  // namespace

KvCache::KvCache(const KvShape& shape, KvType type, int pages) : shape_(shape), type_(type) {
  check_shape(shape, type, pages);
  references_.assign(pages, 0);
  free_.resize(pages);  // the lowest page on top
  for (int i = 0; i < pages; ++i) free_[i] = pages - 1 - i;
  reusable_.assign(pages + 1, {pages, pages});
  published_ = std::make_unique<PrefixIndex>(pages, shape.page_tokens);
  reserve_memory();
}

KvCache::~KvCache() { munmap(memory_, memory_bytes_); }

size_t KvCache::layer_bytes_k() const {
  return region_bytes(shape_, type_, pages_total(), shape_.head_dim_k);
}

size_t KvCache::layer_bytes_v() const {
  return region_bytes(shape_, type_, pages_total(), shape_.head_dim_v);
}

void KvCache::reserve_memory() {
  memory_bytes_ = shape_.layers * (layer_bytes_k() + layer_bytes_v());
  void* memory = mmap(nullptr, memory_bytes_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    throw Error(Errc::resource_exhausted, "no address space for a KV cache of {} bytes ({} pages)",
                memory_bytes_, pages_total());
  memory_ = static_cast<std::byte*>(memory);
  for (int l = 0; l < shape_.layers; ++l) {
    advise_huge_pages(layer(l).k, layer_bytes_k());
    advise_huge_pages(layer(l).v, layer_bytes_v());
  }
}

int KvCache::pages_free() const { return static_cast<int>(free_.size()) + reusable_count_; }

size_t KvCache::page_bytes() const {
  return size_t(shape_.layers) * shape_.kv_heads * shape_.page_tokens *
         (kv_row_bytes(type_, shape_.head_dim_k) + kv_row_bytes(type_, shape_.head_dim_v));
}

KvLayer KvCache::layer(int index) const {
  HEARTH_CHECK(index >= 0 && index < shape_.layers);
  std::byte* k = memory_ + index * (layer_bytes_k() + layer_bytes_v());
  return {.k = k,
          .v = k + layer_bytes_k(),
          .type = type_,
          .kv_heads = shape_.kv_heads,
          .page_tokens = shape_.page_tokens,
          .head_dim_k = shape_.head_dim_k,
          .head_dim_v = shape_.head_dim_v};
}

std::optional<int32_t> KvCache::try_allocate() {
  if (free_.empty() && reusable_count_ == 0) return std::nullopt;
  int32_t page;
  if (free_.empty()) {
    page = forget_oldest();
  } else {
    page = free_.back();
    free_.pop_back();
  }
  references_[page] = 1;
  return page;
}

void KvCache::retain(int32_t page) {
  if (references_[page]++ == 0) remove_reusable(page);
}

void KvCache::release(int32_t page) {
  HEARTH_CHECK(references_[page] > 0);
  if (--references_[page] > 0) return;
  if (published_->holds(page))
    append_reusable(page);
  else
    free_.push_back(page);
}

// The end of the oldest prefix goes first: what stays is still a prefix. A later page that somebody
// uses (its own earlier pages were published by another sequence) only becomes private.
int32_t KvCache::forget_oldest() {
  const int32_t oldest = reusable_.back().after;
  for (;;) {
    int32_t page = oldest;
    while (const std::optional<int32_t> child = published_->child(page)) page = *child;
    published_->remove(page);
    if (references_[page] > 0) continue;
    remove_reusable(page);
    return page;
  }
}

void KvCache::append_reusable(int32_t page) {
  const auto ends = static_cast<int32_t>(reusable_.size() - 1);
  reusable_[page] = {.before = reusable_[ends].before, .after = ends};
  reusable_[reusable_[ends].before].after = page;
  reusable_[ends].before = page;
  ++reusable_count_;
}

void KvCache::remove_reusable(int32_t page) {
  const Link link = reusable_[page];
  HEARTH_CHECK(reusable_[link.before].after ==
               page);  // it is in the list: nobody retains a free page
  reusable_[link.before].after = link.after;
  reusable_[link.after].before = link.before;
  --reusable_count_;
}

void KvCache::publish(int32_t page, std::span<const int32_t> prefix, const PageOrigin& origin) {
  const size_t page_tokens = shape_.page_tokens;
  HEARTH_CHECK(references_[page] > 0 && !prefix.empty() && prefix.size() % page_tokens == 0);
  if (published_->holds(page)) return;
  int32_t parent = PrefixIndex::kRoot;
  for (; prefix.size() > page_tokens; prefix = prefix.subspan(page_tokens)) {
    const std::optional<int32_t> earlier =
        published_->find(parent, prefix.first(page_tokens), origin);
    if (!earlier) return;
    parent = *earlier;
  }
  if (!published_->find(parent, prefix, origin)) published_->insert(page, parent, prefix, origin);
}

std::vector<int32_t> KvCache::find_prefix(std::span<const int32_t> tokens,
                                          const PageOrigin& origin) {
  const size_t page_tokens = shape_.page_tokens;
  std::vector<int32_t> pages;
  int32_t parent = PrefixIndex::kRoot;
  for (; tokens.size() >= page_tokens; tokens = tokens.subspan(page_tokens)) {
    const std::optional<int32_t> page = published_->find(parent, tokens.first(page_tokens), origin);
    if (!page) break;
    retain(*page);
    pages.push_back(*page);
    parent = *page;
  }
  return pages;
}

}  // namespace hearth::llm
