#include "hearth/serve/schema/number_range.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "hearth/llm/grammar/automaton.h"

namespace hearth::serve {
namespace {

struct Range {
  std::optional<double> low, high;
  bool low_exclusive = false, high_exclusive = false;
  int fraction_digits = 0;
};

std::optional<Bound> bound(std::optional<double> value, bool exclusive) {
  if (!value) return std::nullopt;
  return Bound{*parse_decimal(fmt::format("{}", *value)), exclusive};
}

std::optional<llm::Automaton> automaton_of(const Range& range) {
  llm::GrammarBuilder builder;
  const auto expr = number_in(builder, {.low = bound(range.low, range.low_exclusive),
                                        .high = bound(range.high, range.high_exclusive),
                                        .fraction_digits_max = range.fraction_digits});
  if (!expr) return std::nullopt;
  const Rule root = builder.declare("root");
  builder.define(root, *expr);
  return llm::Automaton(std::make_shared<llm::Grammar>(builder.build(root)));
}

bool accepts(llm::Automaton& automaton, const std::string& text) {
  return automaton.is_complete(automaton.next(automaton.start(), text));
}

TEST(ParseDecimal, ReadsEveryWayToPrintANumber) {
  const auto spelled = [](const char* text) {
    const Decimal d = *parse_decimal(text);
    return fmt::format("{}{}.{}", d.is_negative ? "-" : "", d.whole, d.fraction);
  };
  EXPECT_EQ(spelled("0"), "0.");
  EXPECT_EQ(spelled("-0.0"), "0.");
  EXPECT_EQ(spelled("12.50"), "12.5");
  EXPECT_EQ(spelled("-1.25e3"), "-1250.");
  EXPECT_EQ(spelled("1e-07"), "0.0000001");
  EXPECT_EQ(spelled("12e-1"), "1.2");
  EXPECT_FALSE(parse_decimal("1e41"));
  EXPECT_FALSE(parse_decimal("1e-41"));
}

TEST(NumberIn, WholeNumbersAreExactlyThoseBetweenTheBounds) {
  const int bounds[] = {-1000, -101, -100, -99, -10, -9,  -1,  0,   1,
                        2,     9,    10,   11,  99,  100, 123, 1000};
  for (const int low : bounds)
    for (const int high : bounds)
      for (const bool exclusive : {false, true}) {
        SCOPED_TRACE(fmt::format("{} to {} {}", low, high, exclusive));
        auto automaton = automaton_of(
            {.low = low, .high = high, .low_exclusive = exclusive, .high_exclusive = exclusive});
        const int first = low + exclusive, last = high - exclusive;
        ASSERT_EQ(automaton.has_value(), first <= last);
        if (!automaton) continue;
        for (int n = -1102; n <= 1102; ++n)
          ASSERT_EQ(accepts(*automaton, fmt::format("{}", n)), first <= n && n <= last) << n;
        for (const char* text : {"-0", "00", "01", "1.0", "", "-"})
          EXPECT_FALSE(accepts(*automaton, text));
      }
}

TEST(NumberIn, OneBoundLeavesTheOtherSideOpen) {
  auto above = automaton_of({.low = 37});
  auto below = automaton_of({.high = -2.5});
  for (int n = -500; n <= 500; ++n) {
    EXPECT_EQ(accepts(*above, fmt::format("{}", n)), n >= 37) << n;
    EXPECT_EQ(accepts(*below, fmt::format("{}", n)), n <= -3) << n;
  }
  EXPECT_TRUE(accepts(*above, "9007199254740991"));
  EXPECT_FALSE(accepts(*above, "90071992547409910"));  // 17 digits
}

// Every number of up to two digits behind the point, against arithmetic in hundredths.
TEST(NumberIn, FractionsAreExactlyThoseBetweenTheBounds) {
  const int bounds[] = {-1050, -1000, -999, -155, -150, -100, -37, -1,  0,    1,
                        5,     50,    99,   100,  105,  110,  150, 999, 1000, 1234};
  for (const int low : bounds)
    for (const int high : bounds)
      for (const bool exclusive : {false, true}) {
        SCOPED_TRACE(fmt::format("{} to {} {}", low, high, exclusive));
        auto automaton = automaton_of({.low = low / 100.0,
                                       .high = high / 100.0,
                                       .low_exclusive = exclusive,
                                       .high_exclusive = exclusive,
                                       .fraction_digits = 2});
        for (int n = -1300; n <= 1300; ++n) {
          const bool fits = n >= low + exclusive && n <= high - exclusive;
          const std::string sign = n < 0 ? "-" : "";
          const int size = std::abs(n);
          const std::string whole = sign + std::to_string(size / 100);
          if (!automaton) {
            ASSERT_FALSE(fits) << n;
            continue;
          }
          ASSERT_EQ(accepts(*automaton, fmt::format("{}.{:02}", whole, size % 100)), fits) << n;
          if (size % 10 == 0) {
            ASSERT_EQ(accepts(*automaton, fmt::format("{}.{}", whole, size / 10 % 10)), fits) << n;
          }
          if (size % 100 == 0) {
            ASSERT_EQ(accepts(*automaton, whole), fits) << n;
          }
        }
      }
}

}  // namespace
}  // namespace hearth::serve
