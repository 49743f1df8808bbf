#include "hearth/serve/api/rfc3339.h"

#include <gtest/gtest.h>

namespace hearth::serve {
namespace {

using namespace std::chrono_literals;
using std::chrono::system_clock;

TEST(Rfc3339, MomentsAreWrittenInUtcWithNanoseconds) {
  // 2006-01-02T15:04:05-07:00, the moment of Go's documentation.
  EXPECT_EQ(rfc3339(system_clock::time_point(1136239445s + 7ns)), "2006-01-02T22:04:05.000000007Z");
  EXPECT_EQ(rfc3339(system_clock::time_point(-1ns)), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(rfc3339(system_clock::time_point::max()), "2262-04-11T23:47:16.854775807Z");
}

}  // namespace
}  // namespace hearth::serve
