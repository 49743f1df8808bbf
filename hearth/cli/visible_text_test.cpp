#include "hearth/cli/visible_text.h"

#include <gtest/gtest.h>

namespace hearth::cli {
namespace {

TEST(VisibleText, LeavesOrdinaryTextAsItIs) {
  EXPECT_EQ(visible_text(""), "");
  EXPECT_EQ(visible_text("Käse, 日本,\tand\na line\r\n"), "Käse, 日本,\tand\na line\r\n");
  EXPECT_EQ(visible_text("half a line break\r"), "half a line break\r");  // the rest may follow
  EXPECT_EQ(visible_text("\xEF\xBF\xBD"), "\xEF\xBF\xBD");                // U+FFFD is a character
}

TEST(VisibleText, SpellsOutWhatWouldSteerATerminal) {
  EXPECT_EQ(visible_text("\x1b]0;title\x07"), "\\x1b]0;title\\x07");
  EXPECT_EQ(visible_text("over\rwritten"), "over\\x0dwritten");
  EXPECT_EQ(visible_text("\x7f\b"), "\\x7f\\x08");
  EXPECT_EQ(visible_text("\xC2\x9B"
                         "31m"),
            "\\xc2\\x9b31m");  // U+009B, the one-character form of ESC [
  EXPECT_EQ(visible_text(std::string_view("\0", 1)), "\\x00");
}

TEST(VisibleText, SpellsOutBytesThatAreNoText) {
  EXPECT_EQ(visible_text("a\xE2\x82"), "a\\xe2\\x82");
  EXPECT_EQ(visible_text("\x9b"), "\\x9b");
}

TEST(VisibleText, OfALineHasNoLineBreaks) {
  EXPECT_EQ(visible_line("a\nb\t\\\x01\xE2"), "a\\nb\\t\\\\\\x01\\xe2");
  EXPECT_EQ(visible_line("\r"), "\\r");
}

}  // namespace
}  // namespace hearth::cli
