#include "hearth/store/registry/finished_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(FinishedRanges, TouchingAndOverlappingRangesBecomeOne) {
  FinishedRanges ranges(100);
  for (const ByteRange range : {ByteRange{10, 20}, {30, 40}, {20, 30}, {5, 12}, {70, 80}, {75, 76}})
    ranges.add(range);
  EXPECT_EQ(ranges.print(), "hearth-ranges 1 100\n5 40\n70 80\n");
  EXPECT_EQ(ranges.finished_bytes(), 45u);
  EXPECT_EQ(ranges.end(), 80u);
  ranges.add({0, 100});
  EXPECT_TRUE(ranges.is_complete());
  EXPECT_EQ(ranges.print(), "hearth-ranges 1 100\n0 100\n");
}

TEST(FinishedRanges, WhatIsMissingIsCutIntoPieces) {
  FinishedRanges ranges(100);
  EXPECT_THAT(ranges.missing(40),
              ElementsAre(ByteRange{0, 40}, ByteRange{40, 80}, ByteRange{80, 100}));
  ranges.add({30, 60});
  EXPECT_THAT(ranges.missing(25), ElementsAre(ByteRange{0, 25}, ByteRange{25, 30},
                                              ByteRange{60, 85}, ByteRange{85, 100}));
  ranges.add({0, 30});
  ranges.add({60, 100});
  EXPECT_THAT(ranges.missing(25), IsEmpty());
  EXPECT_TRUE(FinishedRanges(0).is_complete());
}

TEST(FinishedRanges, ATornRecordIsReadAsFarAsItMakesSense) {
  const auto finished = [](std::string_view text) {
    const auto ranges = try_parse_ranges(text, 100);
    return ranges ? ranges->print() : "none";
  };
  const std::string head = "hearth-ranges 1 100\n";
  EXPECT_EQ(finished(head + "0 10\n20 30\n"), head + "0 10\n20 30\n");
  // A line without its end may be a number that is cut: "4" of "40".
  EXPECT_EQ(finished(head + "0 10\n20 3"), head + "0 10\n");
  for (const char* line : {"20 20\n", "30 20\n", "90 101\n", "-1 5\n", " 20 30\n", "20  30\n",
                           "20 99999999999999999999\n", "x\n"})
    EXPECT_EQ(finished(head + "0 10\n" + line + "40 50\n"), head + "0 10\n") << line;
  for (const char* text :
       {"", "hearth-ranges 1 100", "hearth-ranges 1 99\n0 5\n", "hearth-ranges 2 100\n", "0 10\n"})
    EXPECT_EQ(finished(text), "none") << text;
}

TEST(ContentRange, IsReadOrRefused) {
  const auto content = try_content_range("bytes 10-99/1000");
  ASSERT_TRUE(content);
  EXPECT_EQ(content->range, (ByteRange{10, 100}));
  EXPECT_EQ(content->total_bytes, 1000u);
  ASSERT_TRUE(try_content_range("bytes 0-0/*"));
  EXPECT_EQ(try_content_range("bytes 0-0/*")->total_bytes, std::nullopt);
  for (const char* value : {"", "bytes */100", "bytes 5-4/10", "bytes 0-10/10", "bytes 0-9/10 ",
                            "bytes 0-18446744073709551615/*", "items 0-9/10", "bytes 0-9"})
    EXPECT_FALSE(try_content_range(value)) << value;
}

}  // namespace
}  // namespace hearth::store
