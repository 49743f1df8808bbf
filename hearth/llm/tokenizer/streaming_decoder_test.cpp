#include <gtest/gtest.h>

#include "hearth/base/rng.h"
#include "hearth/llm/tokenizer/small_vocabularies.h"
#include "hearth/llm/tokenizer/tokenizer.h"
#include "hearth/llm/tokenizer/unicode.h"

namespace hearth::llm {
namespace {

// Ids of a byte-level vocabulary are the bytes.
std::vector<std::string> stream(std::string_view bytes) {
  const auto tokenizer = bpe_spec({"a b"}).make();
  StreamingDecoder decoder(*tokenizer, /*at_start=*/true);
  std::vector<std::string> parts;
  for (char c : bytes) parts.push_back(decoder.push(static_cast<uint8_t>(c)));
  parts.push_back(decoder.finish());
  return parts;
}

using Parts = std::vector<std::string>;

TEST(StreamingDecoder, HoldsBackHalfACharacter) {
  EXPECT_EQ(stream("a\xc3\xa9"), (Parts{"a", "", "\u00e9", ""}));
  EXPECT_EQ(stream("\xf0\x9f\x98\x80!"), (Parts{"", "", "", "\U0001f600", "!", ""}));
}

TEST(StreamingDecoder, ReplacesWhatCanNeverBeACharacter) {
  EXPECT_EQ(stream("\x80"), (Parts{"\ufffd", ""}));
  EXPECT_EQ(stream("\xe2\x82x"), (Parts{"", "", "\ufffdx", ""}));  // one for the maximal subpart
  EXPECT_EQ(stream("\xed\xa0"), (Parts{"", "\ufffd\ufffd", ""}));  // a surrogate never begins
  EXPECT_EQ(stream("\xc0\xaf"), (Parts{"\ufffd", "\ufffd", ""}));
}

TEST(StreamingDecoder, ReplacesWhatIsLeftAtTheEnd) {
  EXPECT_EQ(stream("a\xf0\x9f"), (Parts{"a", "", "", "\ufffd"}));
}

TEST(StreamingDecoder, PassesTheReplacementCharacterItself) {
  EXPECT_EQ(stream("\xef\xbf\xbd"), (Parts{"", "", "\ufffd", ""}));
}

TEST(StreamingDecoder, DropsTheAddedSpaceOnce) {
  const auto tokenizer = spm_spec({{"▁a", -1}}).make();
  StreamingDecoder from_start(*tokenizer, /*at_start=*/true);
  EXPECT_EQ(from_start.push(1), "");  // BOS shows nothing and drops nothing
  EXPECT_EQ(from_start.push(259), "a");
  EXPECT_EQ(from_start.push(259), " a");
  StreamingDecoder after_prompt(*tokenizer, /*at_start=*/false);
  EXPECT_EQ(after_prompt.push(259), " a");
}

TEST(StreamingDecoder, ShowsSpecialTokensWhenAsked) {
  const auto tokenizer = bpe_spec({"a b"}).make();
  StreamingDecoder hidden(*tokenizer, true), shown(*tokenizer, true, /*show_special=*/true);
  EXPECT_EQ(hidden.push(257), "");
  EXPECT_EQ(shown.push(257), "<|end|>");
}

TEST(StreamingDecoder, NeverGivesOutBrokenText) {
  const auto tokenizer = bpe_spec({"a b"}).make();
  Rng rng(5);
  for (int i = 0; i < 500; ++i) {
    StreamingDecoder decoder(*tokenizer, true);
    for (int k = 0; k < 40; ++k) {
      // Mostly bytes of multi-byte characters.
      const std::string part =
          decoder.push(static_cast<int32_t>(rng.below(4) ? 0x80 + rng.below(128) : rng.below(256)));
      for (std::string_view rest = part; !rest.empty();) {
        const Char c = decode_char(rest);
        ASSERT_TRUE(c.code != 0xfffd || c.bytes == 3);
        rest.remove_prefix(c.bytes);
      }
    }
  }
}

}  // namespace
}  // namespace hearth::llm
