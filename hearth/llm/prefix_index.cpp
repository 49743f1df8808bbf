#include "hearth/llm/prefix_index.h"

#include <algorithm>
#include <bit>

#include "hearth/base/error.h"

namespace hearth::llm {
namespace {

// FNV-1a over 32-bit units, folded so that the low bits depend on all tokens.
uint64_t hash_of(int32_t parent, std::span<const int32_t> tokens, const PageOrigin& origin) {
  constexpr uint64_t kPrime = 0x100000001B3;
  uint64_t hash = (0xCBF29CE484222325 ^ static_cast<uint32_t>(parent)) * kPrime;
  hash = (hash ^ origin.adapter) * kPrime;
  for (int32_t token : tokens) hash = (hash ^ static_cast<uint32_t>(token)) * kPrime;
  return hash ^ (hash >> 32);
}

}  // namespace

PrefixIndex::PrefixIndex(int pages, int page_tokens)
    : page_tokens_(page_tokens),
      entries_(pages),
      tokens_(static_cast<size_t>(pages) * page_tokens),
      buckets_(std::bit_ceil(static_cast<size_t>(pages)), kNone) {}

std::span<const int32_t> PrefixIndex::tokens_of(int32_t page) const {
  return {tokens_.data() + static_cast<size_t>(page) * page_tokens_,
          static_cast<size_t>(page_tokens_)};
}

size_t PrefixIndex::bucket(int32_t parent, std::span<const int32_t> tokens,
                           const PageOrigin& origin) const {
  return hash_of(parent, tokens, origin) & (buckets_.size() - 1);
}

std::optional<int32_t> PrefixIndex::find(int32_t parent, std::span<const int32_t> tokens,
                                         const PageOrigin& origin) const {
  int32_t page = buckets_[bucket(parent, tokens, origin)];
  for (; page != kNone; page = entries_[page].next_in_bucket)
    if (entries_[page].parent == parent && entries_[page].origin == origin &&
        std::ranges::equal(tokens_of(page), tokens))
      return page;
  return std::nullopt;
}

void PrefixIndex::insert(int32_t page, int32_t parent, std::span<const int32_t> tokens,
                         const PageOrigin& origin) {
  HEARTH_CHECK(!holds(page));
  HEARTH_CHECK(parent == kRoot || (holds(parent) && entries_[parent].origin == origin));
  HEARTH_CHECK(static_cast<int>(tokens.size()) == page_tokens_);
  std::ranges::copy(tokens, tokens_.begin() + static_cast<ptrdiff_t>(page) * page_tokens_);
  int32_t& first = buckets_[bucket(parent, tokens, origin)];
  entries_[page] = {.listed = true, .origin = origin, .parent = parent, .next_in_bucket = first};
  first = page;
  link_to_parent(page, parent);
}

void PrefixIndex::remove(int32_t page) {
  HEARTH_CHECK(holds(page) && !child(page));
  int32_t* link = &buckets_[bucket(entries_[page].parent, tokens_of(page), entries_[page].origin)];
  while (*link != page) link = &entries_[*link].next_in_bucket;
  *link = entries_[page].next_in_bucket;
  unlink_from_parent(page);
  entries_[page] = {};
}

std::optional<int32_t> PrefixIndex::child(int32_t page) const {
  const int32_t first = entries_[page].first_child;
  return first == kNone ? std::nullopt : std::optional(first);
}

// The root keeps no list of children: nobody asks for them.
void PrefixIndex::link_to_parent(int32_t page, int32_t parent) {
  if (parent == kRoot) return;
  int32_t& first = entries_[parent].first_child;
  entries_[page].sibling_after = first;
  if (first != kNone) entries_[first].sibling_before = page;
  first = page;
}

void PrefixIndex::unlink_from_parent(int32_t page) {
  const Entry& entry = entries_[page];
  if (entry.parent == kRoot) return;
  if (entry.sibling_before == kNone)
    entries_[entry.parent].first_child = entry.sibling_after;
  else
    entries_[entry.sibling_before].sibling_after = entry.sibling_after;
  if (entry.sibling_after != kNone)
    entries_[entry.sibling_after].sibling_before = entry.sibling_before;
}

}  // namespace hearth::llm
