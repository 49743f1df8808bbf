// Which tokens may come next, as one bit an id.
#pragma once
#include <cstdint>
#include <span>

namespace hearth::llm {

/// Bit id % 64 of word id / 64 says whether token id is allowed; bits past the vocabulary are 0.
/// [(vocab_size + 63) / 64]
using TokenMask = std::span<const uint64_t>;

inline bool is_allowed(TokenMask mask, int32_t id) { return (mask[id / 64] >> (id % 64)) & 1; }

/// logits[id] = -infinity for every id that `mask` does not allow.
///   logits  [<= vocab_size] f32; what the mask says of ids behind them is not looked at
void apply_mask(std::span<float> logits, TokenMask mask);

}  // namespace hearth::llm
