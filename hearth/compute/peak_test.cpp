#include "hearth/compute/peak.h"

#include <gtest/gtest.h>

#include <cmath>

namespace hearth {
namespace {

// Orders of magnitude of any CPU since 2010, widened for sanitizers and busy machines: catches a
// loop that the compiler removed, and units that are off by a thousand.
TEST(Peak, FiguresArePlausible) {
  ThreadPool pool(2);
  const double bandwidth = measure_read_bandwidth(pool);
  const double int8 = measure_int8_peak(pool), f32 = measure_f32_peak(pool);
  EXPECT_GT(bandwidth, 1e8);
  EXPECT_LT(bandwidth, 1e13);
  EXPECT_GT(int8, 1e7);
  EXPECT_LT(int8, 1e14);
  EXPECT_GT(f32, 1e7);
  EXPECT_LT(f32, 1e13);
}

}  // namespace
}  // namespace hearth
