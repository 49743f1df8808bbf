// Sets of pairs of numbers, each kept once and named by a small number.
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hearth::llm {

struct IdPair {
  uint32_t first, second;
  friend auto operator<=>(const IdPair&, const IdPair&) = default;
};

/// Equal sets have equal ids, so that comparing ids compares sets. Ids count up from 0 and stay
/// valid; nothing is ever removed.
class InternedSets {
 public:
  InternedSets();
  /// The id of `pairs`, which are sorted and have no doubles.
  uint32_t intern(std::span<const IdPair> pairs);
  /// Valid until the next intern().
  std::span<const IdPair> operator[](uint32_t id) const {
    return {pairs_.data() + begins_[id], begins_[id + 1] - begins_[id]};
  }
  size_t count() const { return begins_.size() - 1; }
  size_t memory_bytes() const;

 private:
  void grow_slots();

  std::vector<IdPair> pairs_;
  std::vector<size_t> begins_;   // [count + 1]
  std::vector<uint32_t> slots_;  // open addressing, a power of two; id + 1, or 0 where empty
};

}  // namespace hearth::llm
