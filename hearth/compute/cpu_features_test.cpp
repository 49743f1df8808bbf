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

TEST(CpuFeatures, ASettingTakesAwayWhatIsAboveIt) {
  constexpr Needs kAll = kAvx2 | kAvx512 | kAvx512Vnni;
  EXPECT_EQ(capped_features(kAll, ""), kAll);
  EXPECT_EQ(capped_features(kAll, "avx512"), kAll);
  EXPECT_EQ(capped_features(kAll, "avx2"), kAvx2);
  EXPECT_EQ(capped_features(kAll, "scalar"), kNone);
}

TEST(CpuFeatures, ASettingAboveTheCpuIsAnErrorThatNamesWhatThereIs) {
  const auto error_of = [](Needs detected, std::string_view setting) -> std::string {
    try {
      capped_features(detected, setting);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(error_of(kAvx2, "avx512"), "HEARTH_CPU=avx512: this CPU has only: avx2");
  EXPECT_EQ(error_of(kNone, "avx2"), "HEARTH_CPU=avx2: this CPU has only: none");
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
