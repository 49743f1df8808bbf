#include "hearth/llm/grammar/token_mask.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace hearth::llm {
namespace {

template <class Visit>
void for_each_bit(uint64_t word, Visit visit) {
  for (; word != 0; word &= word - 1) visit(std::countr_zero(word));
}

}  // namespace

// Masks are nearly full inside strings and nearly empty elsewhere: only the rarer bits of a word
// are gone through one by one.
void apply_mask(std::span<float> logits, TokenMask mask) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  float kept[64];
  for (size_t word = 0; word * 64 < logits.size(); ++word) {
    float* const block = logits.data() + word * 64;
    const size_t size = std::min<size_t>(64, logits.size() - word * 64);
    const uint64_t all = ~uint64_t{0} >> (64 - size);
    const uint64_t allowed = mask[word] & all, banned = ~mask[word] & all;
    if (std::popcount(banned) < 32) {
      for_each_bit(banned, [&](int bit) { block[bit] = kNever; });
      continue;
    }
    for_each_bit(allowed, [&](int bit) { kept[bit] = block[bit]; });
    std::fill_n(block, size, kNever);
    for_each_bit(allowed, [&](int bit) { block[bit] = kept[bit]; });
  }
}

}  // namespace hearth::llm
