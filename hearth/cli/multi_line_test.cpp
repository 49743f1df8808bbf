#include "hearth/cli/multi_line.h"

#include <gtest/gtest.h>

namespace hearth::cli {
namespace {

TEST(MultiLine, APlainLineIsCompleteAtOnce) {
  MultiLine lines;
  EXPECT_EQ(lines.feed("hello"), "hello");
  EXPECT_EQ(lines.feed("what does \"\"\" mean?"), "what does \"\"\" mean?");
  EXPECT_FALSE(lines.is_open());
}

TEST(MultiLine, CollectsBetweenTheMarks) {
  MultiLine lines;
  EXPECT_EQ(lines.feed("\"\"\"first"), std::nullopt);
  EXPECT_TRUE(lines.is_open());
  EXPECT_EQ(lines.feed(""), std::nullopt);
  EXPECT_EQ(lines.feed("last\"\"\""), "first\n\nlast");
  EXPECT_FALSE(lines.is_open());
}

TEST(MultiLine, DropsTheBreaksNextToTheMarks) {
  MultiLine lines;
  EXPECT_EQ(lines.feed("\"\"\""), std::nullopt);
  EXPECT_EQ(lines.feed("only"), std::nullopt);
  EXPECT_EQ(lines.feed("\"\"\""), "only");
  EXPECT_EQ(lines.feed("\"\"\"one line\"\"\""), "one line");
  EXPECT_EQ(lines.feed("\"\"\""), std::nullopt);
  EXPECT_EQ(lines.feed("\"\"\""), "");
}

TEST(MultiLine, WorksForASystemMessage) {
  MultiLine lines;
  EXPECT_EQ(lines.feed("/set system \"\"\"Be"), std::nullopt);
  EXPECT_EQ(lines.feed("kind.\"\"\""), "/set system Be\nkind.");
}

TEST(MultiLine, ForgetsWhenReset) {
  MultiLine lines;
  lines.feed("\"\"\"half");
  lines.reset();
  EXPECT_EQ(lines.feed("new"), "new");
}

}  // namespace
}  // namespace hearth::cli
