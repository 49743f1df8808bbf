// Numbers between bounds, as digits: a grammar cannot compare, but it can spell out.
#pragma once
#include <optional>
#include <string>

#include "hearth/serve/schema/json_text.h"

namespace hearth::serve {

/// A number in digits, exactly.
struct Decimal {
  bool is_negative = false;
  std::string whole;     // without leading zeros; "0" when there is nothing before the point
  std::string fraction;  // without trailing zeros; may be empty
  bool is_zero() const { return whole == "0" && fraction.empty(); }
};

/// From the way numbers are printed: "-12.50", "1e-07". Nothing for more than 40 digits before or
/// behind the point.
std::optional<Decimal> parse_decimal(const std::string& text);

/// Below 0, 0 or above as `a` is below, equal to or above `b`.
int compare(const Decimal& a, const Decimal& b);

struct Bound {
  Decimal value;
  bool is_exclusive = false;
};

struct NumberRange {
  std::optional<Bound> low, high;
  int fraction_digits_max = 16;  // 0: whole numbers only
};

/// The numbers of `range`, without an exponent and with one spelling but for zeros at the end of a
/// fraction. Zero has no sign. Nothing when there is none.
std::optional<Expr> number_in(llm::GrammarBuilder& builder, const NumberRange& range);

}  // namespace hearth::serve
