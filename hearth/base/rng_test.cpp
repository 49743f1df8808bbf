#include "hearth/base/rng.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hearth {
namespace {

TEST(Rng, EqualSeedsGiveEqualStreamsAndNeighboursDoNot) {
  Rng a(1), b(1), c(2);
  int same = 0;
  for (int i = 0; i < 100; ++i) {
    const uint64_t x = a.next_u64();
    EXPECT_EQ(x, b.next_u64());
    same += x == c.next_u64();
  }
  EXPECT_EQ(same, 0);
}

TEST(Rng, UniformNumbersFillTheirInterval) {
  Rng rng(3);
  double sum = 0, low = 1, high = 0;
  for (int i = 0; i < 100000; ++i) {
    const double u = rng.uniform();
    sum += u, low = std::min(low, u), high = std::max(high, u);
    ASSERT_LT(rng.below(7), 7u);
  }
  EXPECT_GE(low, 0);
  EXPECT_LT(high, 1);
  EXPECT_NEAR(sum / 100000, 0.5, 5 * std::sqrt(1.0 / 12 / 100000));  // five standard errors
}

TEST(Rng, NormalNumbersHaveUnitVariance) {
  Rng rng(4);
  double sum = 0, squares = 0;
  for (int i = 0; i < 100000; ++i) {
    const double x = rng.normal();
    sum += x, squares += x * x;
  }
  EXPECT_NEAR(sum / 100000, 0, 0.02);
  EXPECT_NEAR(squares / 100000, 1, 0.03);
}

}  // namespace
}  // namespace hearth
