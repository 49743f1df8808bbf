#include "hearth/llm/grammar/utf8_ranges.h"

#include <algorithm>
#include <map>
#include <string>

#include "hearth/llm/tokenizer/unicode.h"

namespace hearth::llm {
namespace {

constexpr char32_t kLast = 0x10FFFF;
constexpr CodeRange kSurrogates{0xD800, 0xDFFF};

// First and last byte of each place; lead bytes are gathered apart.
struct Tail {
  std::vector<std::pair<uint8_t, uint8_t>> bytes;
  bool operator<(const Tail& other) const { return bytes < other.bytes; }
};
using LeadsByTail = std::map<Tail, ByteSet>;

// All characters from `first` to `last` have the same length, and where a byte differs between
// the two, all later bytes run through their whole range.
void add_rectangle(char32_t first, char32_t last, LeadsByTail& leads) {
  std::string low, high;
  append_utf8(low, first);
  append_utf8(high, last);
  Tail tail;
  for (size_t i = 1; i < low.size(); ++i)
    tail.bytes.emplace_back(static_cast<uint8_t>(low[i]), static_cast<uint8_t>(high[i]));
  ByteSet& set = leads[tail];
  for (int b = static_cast<uint8_t>(low[0]); b <= static_cast<uint8_t>(high[0]); ++b) set.set(b);
}

// Cuts a range of characters of one length into rectangles.
void split(char32_t first, char32_t last, int tail_bytes, LeadsByTail& leads) {
  for (int i = 1; i <= tail_bytes; ++i) {
    const char32_t mask = (char32_t{1} << (6 * i)) - 1;  // what the last i bytes hold
    if ((first & ~mask) == (last & ~mask)) break;
    if ((first & mask) != 0) {
      split(first, first | mask, tail_bytes, leads);
      return split((first | mask) + 1, last, tail_bytes, leads);
    }
    if ((last & mask) != mask) {
      split(first, (last & ~mask) - 1, tail_bytes, leads);
      return split(last & ~mask, last, tail_bytes, leads);
    }
  }
  add_rectangle(first, last, leads);
}

std::vector<CodeRange> merged(std::vector<CodeRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](CodeRange a, CodeRange b) { return a.first < b.first; });
  std::vector<CodeRange> out;
  for (const CodeRange& r : ranges)
    if (!out.empty() && r.first <= out.back().last + 1)
      out.back().last = std::max(out.back().last, r.last);
    else
      out.push_back(r);
  return out;
}

std::vector<CodeRange> complement(const std::vector<CodeRange>& ranges) {
  std::vector<CodeRange> out;
  char32_t next = 0;
  for (const CodeRange& r : ranges) {
    if (r.first > next) out.push_back({next, r.first - 1});
    next = r.last + 1;
  }
  if (next <= kLast) out.push_back({next, kLast});
  return out;
}

}  // namespace

std::vector<CodeRange> normalised(std::vector<CodeRange> ranges, bool negated) {
  // Without the surrogates: the complement of the complement with them.
  std::vector<CodeRange> outside = merged(std::move(ranges));
  if (!negated) outside = complement(outside);
  outside.push_back(kSurrogates);
  return complement(merged(std::move(outside)));
}

std::vector<ByteSequence> utf8_sequences(const std::vector<CodeRange>& ranges) {
  constexpr char32_t kLastOfLength[] = {0x7F, 0x7FF, 0xFFFF, kLast};
  LeadsByTail leads;
  for (const CodeRange& r : ranges) {
    char32_t first = r.first;
    for (int tail_bytes = 0; tail_bytes < 4; ++tail_bytes) {
      const char32_t last = std::min(r.last, kLastOfLength[tail_bytes]);
      if (first > last) continue;
      split(first, last, tail_bytes, leads);
      first = last + 1;
    }
  }
  std::vector<ByteSequence> sequences;
  for (const auto& [tail, lead] : leads) {
    ByteSequence sequence = {lead};
    for (const auto& [low, high] : tail.bytes) {
      ByteSet set;
      for (int b = low; b <= high; ++b) set.set(b);
      sequence.push_back(set);
    }
    sequences.push_back(std::move(sequence));
  }
  return sequences;
}

}  // namespace hearth::llm
