// Byte strings numbered from 0, and the number of a byte string: one arena and one open-addressed
// table.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::llm {

/// Hash of a short byte string, eight bytes at a time.
inline uint64_t hash_bytes(std::string_view bytes) {
  constexpr uint64_t kOdd1 = 0x9e3779b97f4a7c15, kOdd2 = 0xd6e8feb86659fd93;
  uint64_t hash = bytes.size() * kOdd1;
  const auto mix = [&](uint64_t word) {
    hash = (hash ^ word) * kOdd2;
    hash ^= hash >> 32;
  };
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + at, 8);
    mix(word);
  }
  if (at < bytes.size()) {
    uint64_t word = 0;
    for (size_t i = at; i < bytes.size(); ++i) word = word << 8 | static_cast<uint8_t>(bytes[i]);
    mix(word);
  }
  return hash * kOdd1;
}

class TokenTable {
 public:
  /// Room for `count` strings of `size_bytes` in all, which are limits as well: add() checks them.
  TokenTable(size_t count, size_t size_bytes);
  TokenTable() : TokenTable(0, 0) {}

  /// Numbers `bytes` with the next id. Findable, unless it is empty or an earlier string is equal.
  void add(std::string_view bytes, bool findable = true);

  size_t size() const { return begins_.size() - 1; }
  std::string_view operator[](int32_t id) const {
    return std::string_view(arena_).substr(begins_[id], begins_[id + 1] - begins_[id]);
  }
  /// Bytes of all strings, and of the longest that is findable.
  size_t total_bytes() const { return arena_.size(); }
  size_t longest_bytes() const { return longest_bytes_; }

  /// The id of `bytes`; -1 when absent.
  int32_t find(std::string_view bytes) const {
    const uint64_t hash = hash_bytes(bytes);
    const auto tag = static_cast<uint32_t>(hash);
    for (size_t i = hash >> shift_; slots_[i].id >= 0; i = (i + 1) & mask_)
      if (slots_[i].tag == tag && (*this)[slots_[i].id] == bytes) return slots_[i].id;
    return -1;
  }

 private:
  struct Slot {
    uint32_t tag = 0;
    int32_t id = -1;
  };
  std::string arena_;
  std::vector<uint32_t> begins_;  // size() + 1 offsets into arena_
  std::vector<Slot> slots_;       // a power of two, at most half full
  size_t mask_ = 0;
  int shift_ = 0;  // the top bits of the hash choose the slot, the low ones are the tag
  size_t longest_bytes_ = 0;
};

}  // namespace hearth::llm
