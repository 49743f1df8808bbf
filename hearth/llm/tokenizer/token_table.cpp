#include "hearth/llm/tokenizer/token_table.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "hearth/base/error.h"

namespace hearth::llm {

TokenTable::TokenTable(size_t count, size_t size_bytes) {
  constexpr size_t kLimit = std::numeric_limits<int32_t>::max();
  if (count > kLimit || size_bytes > kLimit)
    throw Error(Errc::resource_exhausted,
                "vocabulary of {} tokens and {} bytes exceeds the limit of {}", count, size_bytes,
                kLimit);
  const size_t slots = std::bit_ceil(std::max<size_t>(2 * count, 16));
  slots_.resize(slots);
  mask_ = slots - 1;
  shift_ = 64 - std::countr_zero(slots);
  arena_.reserve(size_bytes);
  begins_.reserve(count + 1);
  begins_.push_back(0);
}

void TokenTable::add(std::string_view bytes, bool findable) {
  const auto id = static_cast<int32_t>(size());
  HEARTH_CHECK(2 * (size() + 1) <= slots_.size());
  HEARTH_CHECK(arena_.size() + bytes.size() <= std::numeric_limits<int32_t>::max());
  arena_.append(bytes);
  begins_.push_back(static_cast<uint32_t>(arena_.size()));
  if (!findable || bytes.empty()) return;
  longest_bytes_ = std::max(longest_bytes_, bytes.size());
  const uint64_t hash = hash_bytes(bytes);
  size_t i = hash >> shift_;
  const auto tag = static_cast<uint32_t>(hash);
  for (; slots_[i].id >= 0; i = (i + 1) & mask_)
    if (slots_[i].tag == tag && (*this)[slots_[i].id] == bytes) return;
  slots_[i] = {tag, id};
}

}  // namespace hearth::llm
