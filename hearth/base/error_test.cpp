#include "hearth/base/error.h"

#include <gtest/gtest.h>

#include <set>

namespace hearth {
namespace {

constexpr Errc kAll[] = {Errc::invalid_argument, Errc::not_found,   Errc::conflict,
                         Errc::corrupt_data,     Errc::unsupported, Errc::resource_exhausted,
                         Errc::unavailable,      Errc::io_failure,  Errc::too_long};

TEST(Error, EveryCodeHasItsOwnNameAndExitStatus) {
  std::set<std::string_view> names;
  std::set<int> statuses;
  for (Errc code : kAll) {
    names.insert(name(code));
    statuses.insert(exit_status(code));
    EXPECT_GE(exit_status(code), 2);
  }
  EXPECT_EQ(names.size(), std::size(kAll));
  EXPECT_EQ(statuses.size(), std::size(kAll));
  EXPECT_EQ(name(Errc::io_failure), "io_failure");
}

TEST(Error, ContextIsPutInFrontAndKeepsTheCode) {
  const Error inner(Errc::corrupt_data, "tensor '{}' has {} dimensions, at most 4 are allowed", "a",
                    9);
  const Error outer = inner.with_context("model.gguf");
  EXPECT_EQ(outer.code(), Errc::corrupt_data);
  EXPECT_STREQ(outer.what(), "model.gguf: tensor 'a' has 9 dimensions, at most 4 are allowed");
}

TEST(CheckDeathTest, AFalseConditionNamesItself) {
  EXPECT_DEATH(HEARTH_CHECK(1 + 1 == 3), "1 \\+ 1 == 3");
}

}  // namespace
}  // namespace hearth
