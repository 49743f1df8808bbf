#include "hearth/compute/cpu_features.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace hearth::cpu {
namespace {

int plain() { return 1; }
constexpr Impl<int()> kTable[] = {
    {.name = "impossible", .needs = 1u << 31, .run = plain},
    {.name = "plain", .needs = kNone, .run = plain},
};

TEST(CpuFeatures, AnImplementationWhoseNeedsAreNotMetIsPassedOver) {
  EXPECT_EQ(choose(kTable).name, "plain");
  EXPECT_EQ(why_not(kNone), "");
}

TEST(CpuFeatures, FeaturesAreNamed) {
  EXPECT_EQ(describe(kNone), "none");
  EXPECT_EQ(describe(kAvx2 | kAvx512Vnni), "avx2 avx512_vnni");
  EXPECT_FALSE(cpu_name().empty());
}

// The setting is read once a process, so each case runs in a child.
TEST(CpuFeaturesDeathTest, TheSettingCapsTheLevelOrIsRefused) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        setenv("HEARTH_CPU", "scalar", 1);
        std::exit(features() == kNone ? 7 : 1);
      },
      testing::ExitedWithCode(7), "");
  EXPECT_EXIT(
      {
        setenv("HEARTH_CPU", "sse9", 1);
        try {
          features();
        } catch (const Error& e) {
          std::fprintf(stderr, "%s", e.what());
          std::exit(exit_status(e.code()));
        }
      },
      testing::ExitedWithCode(2), "sse9: must be scalar, avx2 or avx512");
}

}  // namespace
}  // namespace hearth::cpu
