#include "hearth/serve/api/json_text.h"

#include <gtest/gtest.h>

#include <limits>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

TEST(JsonText, IsValidWhateverTheModelWrote) {
  EXPECT_EQ(json_text({{"b", "a\xC3"}, {"a", 1}}), "{\"b\":\"a\uFFFD\",\"a\":1}");
}

TEST(JsonText, VectorsHaveTheFewestDigitsThatGiveTheirNumbersBack) {
  EXPECT_EQ(vector_text(std::vector{0.1f, -2.0f, 1e-7f}), "[0.1,-2,1e-07]");
  EXPECT_EQ(vector_text({}), "[]");
}

TEST(JsonText, AVectorOfWhatIsNoNumberIsAnError) {
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const std::vector vector{1.0f, value};
    EXPECT_THROW(check_finite(vector), Error);
    EXPECT_THROW(vector_text(vector), Error);
  }
}

}  // namespace
}  // namespace hearth::serve
