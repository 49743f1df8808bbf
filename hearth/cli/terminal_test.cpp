#include "hearth/cli/terminal.h"

#include <gtest/gtest.h>

#include "hearth/cli/progress.h"

namespace hearth::cli {
namespace {

TEST(Table, AlignsColumnsByCharactersAndLeavesNoSpacesAtTheEnd) {
  Table table({{"NAME"}, {"BYTES", Align::right}, {"NOTE"}});
  table.row({"é", "5", ""});
  table.row({"long name", "12345", "x"});
  EXPECT_EQ(table.text("  "),
            "  NAME       BYTES  NOTE\n"
            "  é              5\n"
            "  long name  12345  x\n");
}

TEST(Table, WithoutTitlesHasNoLineOfThem) {
  Table table({{""}, {""}});
  table.row({"a", "b"});
  EXPECT_EQ(table.text(), "a  b\n");
}

TEST(Wrap, BreaksAtSpaces) {
  EXPECT_EQ(wrap("one two three", 7, 2), "one two\n  three");
  EXPECT_EQ(wrap("one", 2, 0), "one");  // a long word stays whole
  EXPECT_EQ(wrap("", 10, 2), "");
}

TEST(Progress, ShowsShareTimeLeftAndDetailWhereThereIsRoom) {
  // A quarter in 2 s: 6 s left. 24 cells: 6 full.
  EXPECT_EQ(progress_line("writing", {.fraction = 0.25, .elapsed_s = 2}, "blk.0", 80),
            "writing  ██████░░░░░░░░░░░░░░░░░░  25 %  6.0 s left  blk.0");
  EXPECT_EQ(progress_line("writing", {.fraction = 0.25, .elapsed_s = 2},
                          "a detail too long for the line", 60),
            "writing  ██████░░░░░░░░░░░░░░░░░░  25 %  6.0 s left");
}

TEST(Progress, WhatWasThereBeforeTookNoTime) {
  // From a half to three quarters in 5 s: 5 s left.
  EXPECT_EQ(progress_line("pull", {.fraction = 0.75, .begun_at = 0.5, .elapsed_s = 5}, "", 80),
            "pull  ██████████████████░░░░░░  75 %  5.0 s left");
}

TEST(Progress, GuessesNoTimeAtTheBeginningAndStaysInRange) {
  EXPECT_EQ(progress_line("w", {.elapsed_s = 1}, "", 80), "w  ░░░░░░░░░░░░░░░░░░░░░░░░   0 %");
  EXPECT_EQ(progress_line("w", {.fraction = 7, .elapsed_s = 1}, "", 80),
            "w  ████████████████████████ 100 %");
}

}  // namespace
}  // namespace hearth::cli
