#include "hearth/cli/nearest.h"

#include <gtest/gtest.h>

namespace hearth::cli {
namespace {

constexpr std::string_view kNames[] = {"run", "show", "quantize", "--temperature", "--threads"};

TEST(Nearest, CountsInsertionsDeletionsReplacementsAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("", "run"), 3);
  EXPECT_EQ(edit_distance("run", ""), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);  // k->s, e->i, +g
  EXPECT_EQ(edit_distance("shwo", "show"), 1);       // one swap
  EXPECT_EQ(edit_distance("RUN", "run"), 0);
}

TEST(Nearest, FindsATypingErrorAndABeginning) {
  EXPECT_EQ(nearest("quantise", kNames), "quantize");
  EXPECT_EQ(nearest("shwo", kNames), "show");
  EXPECT_EQ(nearest("--temp", kNames), "--temperature");
}

TEST(Nearest, OffersNothingFarAway) {
  EXPECT_EQ(nearest("perplexity", kNames), std::nullopt);
  EXPECT_EQ(nearest("", kNames), std::nullopt);
  EXPECT_EQ(did_you_mean("xyzzy", kNames), "");
  EXPECT_EQ(did_you_mean("rum", kNames), "; did you mean run?");
}

}  // namespace
}  // namespace hearth::cli
