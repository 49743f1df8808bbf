#include "hearth/llm/grammar/utf8_ranges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "hearth/base/rng.h"
#include "hearth/llm/tokenizer/unicode.h"

namespace hearth::llm {
namespace {

bool is_surrogate(char32_t c) { return c >= 0xD800 && c <= 0xDFFF; }

int sequences_that_match(const std::vector<ByteSequence>& sequences, std::string_view bytes) {
  return static_cast<int>(std::ranges::count_if(sequences, [&](const ByteSequence& s) {
    return std::ranges::equal(
        s, bytes, [](const ByteSet& set, char b) { return set[static_cast<uint8_t>(b)]; });
  }));
}

// Every character that belongs is matched once, no other is, and the sequences match as many byte
// strings as there are characters: so nothing but those.
void expect_exactly(std::vector<CodeRange> ranges, bool negated) {
  const std::vector<ByteSequence> sequences = utf8_sequences(normalised(ranges, negated));
  size_t characters = 0, byte_strings = 0;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (is_surrogate(c)) continue;
    const bool is_listed =
        std::ranges::any_of(ranges, [c](CodeRange r) { return r.first <= c && c <= r.last; });
    std::string bytes;
    append_utf8(bytes, c);
    characters += is_listed != negated;
    ASSERT_EQ(sequences_that_match(sequences, bytes), is_listed != negated) << uint32_t(c);
  }
  for (const ByteSequence& s : sequences) {
    size_t product = 1;
    for (const ByteSet& set : s) product *= set.count();
    byte_strings += product;
  }
  EXPECT_EQ(byte_strings, characters);
}

TEST(Utf8Ranges, ASetMatchesTheBytesOfItsCharactersAndNothingElse) {
  expect_exactly({{'a', 'z'}, {'m', '~'}}, false);
  expect_exactly({{0, 0x10FFFF}}, false);
  expect_exactly({{'"', '"'}, {'\\', '\\'}, {0, 0x1F}}, true);
  expect_exactly({{0x7F, 0x80}, {0x7FF, 0x800}, {0xFFFF, 0x10000}, {0x10FFFF, 0x10FFFF}}, false);
  expect_exactly({{0xD7FF, 0xE000}}, true);
  expect_exactly({}, true);
}

TEST(Utf8Ranges, RandomRangesAreCutWithoutGapOrOverlap) {
  Rng rng(5);
  for (int round = 0; round < 8; ++round) {
    std::vector<CodeRange> ranges;
    for (int i = 0; i < 3; ++i) {
      const auto first = static_cast<char32_t>(rng.below(0x110000));
      ranges.push_back({first, static_cast<char32_t>(first + rng.below(0x110000 - first))});
    }
    expect_exactly(ranges, round % 2 == 1);
  }
}

TEST(Utf8Ranges, SurrogatesAloneLeaveNothing) {
  EXPECT_TRUE(normalised({{0xD800, 0xDFFF}}, false).empty());
}

}  // namespace
}  // namespace hearth::llm
