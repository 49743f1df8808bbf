// Byte-pair merges: which two neighbouring symbols become one, and which pair goes first.
//
// A symbol is a token, or a string that merges mention and the vocabulary lacks; those have ids
// from the vocabulary's size on.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/llm/tokenizer/vocabulary.h"

namespace hearth::llm {

class Merges {
 public:
  struct Merge {
    uint32_t rank = kNone;  // smaller goes first
    int32_t symbol = -1;    // what the pair becomes
  };
  static constexpr uint32_t kNone = UINT32_MAX;

  /// `lines`: "left right" in the vocabulary's spelling, best first; of a pair that comes twice the
  /// first counts. `others`: symbols beyond the tokens that texts can start from, numbered from the
  /// vocabulary's size. Errors: corrupt_data for a line without a space.
  Merges(std::span<const std::string> lines, const Vocabulary& vocabulary,
         std::span<const std::string> others);

  Merge find(int32_t left, int32_t right) const {
    const uint64_t key = key_of(left, right);
    for (size_t i = slot_of(key);; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return slots_[i].merge;
      if (slots_[i].key == kFree) return {};
    }
  }
  /// Spelling of a symbol that is no token.
  const std::string& other(int32_t symbol) const {
    return others_[static_cast<size_t>(symbol - first_other_)];
  }

  /// Merges `symbols` until no pair has a rank: always the pair of the lowest rank, of several the
  /// left. n log n in the number of symbols.
  void apply(std::vector<int32_t>& symbols) const;

 private:
  static constexpr uint64_t kFree = UINT64_MAX;
  struct Slot {
    uint64_t key = kFree;
    Merge merge;
  };
  static uint64_t key_of(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  size_t slot_of(uint64_t key) const { return (key * 0x9e3779b97f4a7c15) >> shift_; }
  void insert(uint64_t key, Merge merge);
  void apply_short(std::vector<int32_t>& symbols) const;
  void apply_long(std::vector<int32_t>& symbols) const;

  std::vector<Slot> slots_;  // a power of two, at most half full
  size_t mask_ = 0;
  int shift_ = 0;
  int32_t first_other_;
  std::vector<std::string> others_;
};

}  // namespace hearth::llm
