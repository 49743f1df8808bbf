#include "hearth/llm/grammar/interned_sets.h"

#include <algorithm>

namespace hearth::llm {
namespace {

uint64_t hash_of(std::span<const IdPair> pairs) {
  uint64_t hash = pairs.size();
  for (const IdPair& p : pairs) {
    hash ^= (uint64_t{p.first} << 32) | p.second;
    hash *= 0x9E3779B97F4A7C15ull;  // 2^64 over the golden ratio
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace

InternedSets::InternedSets() : begins_(1, 0), slots_(64, 0) {}

void InternedSets::grow_slots() {
  slots_.assign(slots_.size() * 2, 0);
  for (uint32_t id = 0; id < count(); ++id) {
    size_t slot = hash_of((*this)[id]) & (slots_.size() - 1);
    while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = id + 1;
  }
}

uint32_t InternedSets::intern(std::span<const IdPair> pairs) {
  size_t slot = hash_of(pairs) & (slots_.size() - 1);
  for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1))
    if (std::ranges::equal((*this)[slots_[slot] - 1], pairs)) return slots_[slot] - 1;
  const auto id = static_cast<uint32_t>(count());
  slots_[slot] = id + 1;
  pairs_.insert(pairs_.end(), pairs.begin(), pairs.end());
  begins_.push_back(pairs_.size());
  if (2 * count() > slots_.size()) grow_slots();
  return id;
}

size_t InternedSets::memory_bytes() const {
  return pairs_.capacity() * sizeof(IdPair) + begins_.capacity() * sizeof(size_t) +
         slots_.capacity() * sizeof(uint32_t);
}

}  // namespace hearth::llm
