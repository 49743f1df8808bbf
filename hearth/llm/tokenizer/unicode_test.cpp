#include "hearth/llm/tokenizer/unicode.h"

#include <gtest/gtest.h>

#include "hearth/llm/tokenizer/char_scan.h"

namespace hearth::llm {
namespace {

TEST(Unicode, DecodesEachLength) {
  EXPECT_EQ(decode_char("a").code, U'a');
  EXPECT_EQ(decode_char("\xc3\xa9").code, 0xe9u);
  EXPECT_EQ(decode_char("\xe2\x82\xac").code, 0x20acu);
  EXPECT_EQ(decode_char("\xf0\x9f\x98\x80").code, 0x1f600u);
  EXPECT_EQ(decode_char("\xf4\x8f\xbf\xbf").code, 0x10ffffu);
}

TEST(Unicode, TakesOneByteOfWhatIsNoCharacter) {
  // A lone continuation, overlong forms, a surrogate, a code past U+10FFFF, cut sequences.
  for (const char* bad : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xff", "\xc3", "\xe2\x82", "\xe2\x82x"}) {
    SCOPED_TRACE(bad);
    EXPECT_EQ(decode_char(bad).code, 0xfffdu);
    EXPECT_EQ(decode_char(bad).bytes, 1u);
  }
}

TEST(Unicode, AppendsWhatItDecodes) {
  for (char32_t code : {U'a', U'\u00e9', U'\u20ac', U'\U0001f600', U'\U0010ffff'}) {
    std::string text;
    append_utf8(text, code);
    EXPECT_EQ(decode_char(text).code, code);
    EXPECT_EQ(decode_char(text).bytes, text.size());
  }
}

TEST(Unicode, ClassifiesByGeneralCategory) {
  const CharTable& table = CharTable::instance();
  EXPECT_EQ(table[U'\u00c9'], kUpper);          // É, Lu
  EXPECT_EQ(table[U'\u01c5'], kUpper);          // ǅ, Lt
  EXPECT_EQ(table[U'\u00df'], kLower);          // ß, Ll
  EXPECT_EQ(table[U'\u02b0'], kLetter);         // ʰ, Lm
  EXPECT_EQ(table[U'\u0e01'], kLetter);         // ก, Lo
  EXPECT_EQ(table[U'\u4e2d'], kLetter | kHan);  // 中
  EXPECT_EQ(table[U'\u0301'], kMark);
  EXPECT_EQ(table[U'\u00bd'], kNumber);  // ½, No
  EXPECT_EQ(table[U'\u2026'], kPunct);   // …
  EXPECT_EQ(table[U'\u20ac'], kSymbol);  // €
  EXPECT_EQ(table[U'\u3000'], kSpace);
  EXPECT_EQ(table[U'\u0085'], kSpace);
  EXPECT_EQ(table[U'\u200b'], 0);  // format character
  EXPECT_EQ(table[U'\ue000'], 0);  // private use
  EXPECT_EQ(table[U'\U00020000'], kLetter | kHan);
  EXPECT_EQ(table[U'\U0010ffff'], 0);
  EXPECT_EQ(table[0x7fffffff], 0);
}

TEST(Unicode, KnowsAsciiWithoutTheTable) {
  for (char32_t c = 0; c < 128; ++c)
    EXPECT_EQ(kAsciiClasses[c], CharTable::instance()[c]) << static_cast<int>(c);
}

TEST(CharScan, AnInvalidByteIsASymbol) {
  EXPECT_EQ(class_at("\xff", 0).bits, kSymbol);
  EXPECT_EQ(end_of_run_without("..\xff\xfe a", 0, kSpace), 4u);
}

}  // namespace
}  // namespace hearth::llm
