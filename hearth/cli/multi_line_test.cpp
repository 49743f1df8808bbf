#include "hearth/cli/multi_line.h"

#include <gtest/gtest.h>

namespace hearth::cli {
namespace {

// The text of a complete input; nothing while marks are open.
std::optional<std::string> text_of(const std::optional<MultiLine::Input>& input) {
  return input ? std::optional(input->text) : std::nullopt;
}

TEST(MultiLine, APlainLineIsCompleteAtOnce) {
  MultiLine lines;
  EXPECT_EQ(text_of(lines.feed("hello")), "hello");
  EXPECT_EQ(text_of(lines.feed("what does \"\"\" mean?")), "what does \"\"\" mean?");
  EXPECT_FALSE(lines.is_open());
}

TEST(MultiLine, CollectsBetweenTheMarks) {
  MultiLine lines;
  EXPECT_EQ(text_of(lines.feed("\"\"\"first")), std::nullopt);
  EXPECT_TRUE(lines.is_open());
  EXPECT_EQ(text_of(lines.feed("")), std::nullopt);
  EXPECT_EQ(text_of(lines.feed("last\"\"\"")), "first\n\nlast");
  EXPECT_FALSE(lines.is_open());
}

TEST(MultiLine, DropsTheBreaksNextToTheMarks) {
  MultiLine lines;
  EXPECT_EQ(text_of(lines.feed("\"\"\"")), std::nullopt);
  EXPECT_EQ(text_of(lines.feed("only")), std::nullopt);
  EXPECT_EQ(text_of(lines.feed("\"\"\"")), "only");
  EXPECT_EQ(text_of(lines.feed("\"\"\"one line\"\"\"")), "one line");
  EXPECT_EQ(text_of(lines.feed("\"\"\"")), std::nullopt);
  EXPECT_EQ(text_of(lines.feed("\"\"\"")), "");
}

TEST(MultiLine, WorksForASystemMessage) {
  MultiLine lines;
  EXPECT_EQ(text_of(lines.feed("/set system \"\"\"Be")), std::nullopt);
  EXPECT_EQ(text_of(lines.feed("kind.\"\"\"")), "/set system Be\nkind.");
}

TEST(MultiLine, TextBetweenMarksIsNeverACommand) {
  MultiLine lines;
  EXPECT_TRUE(lines.feed("/bye")->is_command());
  EXPECT_FALSE(lines.feed("\"\"\"/* code */\"\"\"")->is_command());
  lines.feed("/set system \"\"\"Be");
  EXPECT_TRUE(lines.feed("kind.\"\"\"")->is_command());
}

TEST(MultiLine, WhatWasTypedMeansTheSameAgain) {
  MultiLine lines;
  lines.feed("\"\"\"/first");
  const auto input = lines.feed("last\"\"\"");
  EXPECT_EQ(input->typed, "\"\"\"/first\nlast\"\"\"");
  const auto again = lines.feed(input->typed);  // the history gives it back as one line
  EXPECT_EQ(again->text, "/first\nlast");
  EXPECT_FALSE(again->is_command());
}

TEST(MultiLine, ForgetsWhenReset) {
  MultiLine lines;
  lines.feed("\"\"\"half");
  lines.reset();
  EXPECT_EQ(text_of(lines.feed("new")), "new");
}

}  // namespace
}  // namespace hearth::cli
