#include "hearth/formats/printable.h"

#include <gtest/gtest.h>

namespace hearth::formats {
namespace {

TEST(Printable, TextStaysAndControlCharactersDoNot) {
  EXPECT_EQ(printable("blk.0.größe"), "blk.0.größe");
  EXPECT_EQ(printable("\x1b[2J\n\x7f"), "?[2J??");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a?b");
  EXPECT_EQ(printable("\xC2\x9B[m \xC2\xA0 \xC2m"), "??[m \xC2\xA0 \xC2m");  // CSI, no-break space
}

TEST(Printable, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(printable(std::string(80, 'a')), std::string(80, 'a'));
  EXPECT_EQ(printable(std::string(81, 'a')), std::string(80, 'a') + "...");
  EXPECT_EQ(printable(std::string(79, 'a') + "ö"), std::string(79, 'a') + "...");
  EXPECT_EQ(printable(std::string(100, '\x80')).size(), 79u);  // no UTF-8 at all: still cut
}

}  // namespace
}  // namespace hearth::formats
