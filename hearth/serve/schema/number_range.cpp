#include "hearth/serve/schema/number_range.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace hearth::serve {
namespace {

using llm::GrammarBuilder;
using MaybeExpr = std::optional<Expr>;

constexpr size_t kDigitsMax = 40;
constexpr size_t kWholeDigits = 16;  // of numbers without an upper bound

// Of whole numbers without leading zeros.
bool is_less(const std::string& a, const std::string& b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

std::string plus_one(std::string digits) {
  for (size_t i = digits.size(); i-- > 0;) {
    if (digits[i] != '9') return ++digits[i], digits;
    digits[i] = '0';
  }
  return "1" + digits;
}

// Of a number above 0.
std::string minus_one(std::string digits) {
  for (size_t i = digits.size(); i-- > 0;) {
    if (digits[i] != '0') {
      --digits[i];
      break;
    }
    digits[i] = '9';
  }
  return digits.size() > 1 && digits[0] == '0' ? digits.substr(1) : digits;
}

// A magnitude between bounds of which the lower one is always there.
struct Magnitudes {
  Bound low;
  std::optional<Bound> high;
};

class Spelling {
 public:
  Spelling(GrammarBuilder& builder, int fraction_digits)
      : b_(builder), fraction_digits_(fraction_digits) {}

  MaybeExpr magnitudes(const Magnitudes& range) {
    return fraction_digits_ == 0 ? whole_only(range) : with_fraction(range);
  }

 private:
  // How far the digits so far still equal a bound's: what the bound has left, or nothing.
  struct Tightness {
    std::optional<std::string> low, high;
    bool low_exclusive = false, high_exclusive = false;
  };

  Expr digit(char first, char last) {
    return b_.byte_range(static_cast<uint8_t>(first), static_cast<uint8_t>(last));
  }
  Expr digits(int min, int max) { return b_.repeat(digit('0', '9'), min, max); }

  MaybeExpr either(std::vector<Expr> choices) {
    if (choices.empty()) return std::nullopt;
    return b_.choice(std::move(choices));
  }

  // Digits of the length of `low`, which is that of `high`; an absent bound is not felt.
  Expr same_length(std::optional<std::string> low, std::optional<std::string> high, size_t length) {
    if (!low && !high) return digits(static_cast<int>(length), static_cast<int>(length));
    if (length == 0) return b_.text("");
    const char l = low ? low->front() : '0', h = high ? high->front() : '9';
    const auto rest = [](const std::optional<std::string>& bound, bool holds) {
      return bound && holds ? std::optional(bound->substr(1)) : std::nullopt;
    };
    std::vector<Expr> choices;
    const auto add = [&](char first, char last, bool at_low, bool at_high) {
      choices.push_back(b_.sequence(
          {digit(first, last), same_length(rest(low, at_low), rest(high, at_high), length - 1)}));
    };
    if (l == h) {
      add(l, l, true, true);
      return choices[0];
    }
    const char first = static_cast<char>(l + (low ? 1 : 0)),
               last = static_cast<char>(h - (high ? 1 : 0));
    if (low) add(l, l, true, false);
    if (first <= last) add(first, last, false, false);
    if (high) add(h, h, false, true);
    return b_.choice(std::move(choices));
  }

  // Whole numbers from `low` to `high`, both included.
  MaybeExpr wholes(const std::string& low, const std::string& high) {
    if (is_less(high, low)) return std::nullopt;
    if (low.size() == high.size()) return same_length(low, high, low.size());
    std::vector<Expr> choices = {same_length(low, std::nullopt, low.size())};
    for (size_t length = low.size() + 1; length < high.size(); ++length)
      choices.push_back(b_.sequence(
          {digit('1', '9'), digits(static_cast<int>(length) - 1, static_cast<int>(length) - 1)}));
    const std::string power = "1" + std::string(high.size() - 1, '0');
    choices.push_back(same_length(power, high, high.size()));
    return b_.choice(std::move(choices));
  }

  static std::string highest(const std::string& low) {
    return std::string(std::max(kWholeDigits, low.size() + 1), '9');
  }

  MaybeExpr whole_only(const Magnitudes& range) {
    const Bound& l = range.low;
    const bool is_up = !l.value.fraction.empty() || l.is_exclusive;
    const std::string low = is_up ? plus_one(l.value.whole) : l.value.whole;
    if (!range.high) return wholes(low, highest(low));
    const Bound& h = *range.high;
    std::string high = h.value.whole;
    if (h.value.fraction.empty() && h.is_exclusive) {
      if (high == "0") return std::nullopt;
      high = minus_one(high);
    }
    return wholes(low, high);
  }

  // The digits behind the point, at most `left`. `first`: there must be one.
  MaybeExpr behind_point(const Tightness& tight, int left, bool first) {
    if (!tight.low && !tight.high) return digits(first ? 1 : 0, left);
    const bool low_met = !tight.low || (tight.low->empty() && !tight.low_exclusive);
    const bool high_met = !tight.high || !tight.high->empty() || !tight.high_exclusive;
    std::vector<Expr> choices;
    if (low_met && high_met && !first) choices.push_back(b_.text(""));
    if (left > 0) add_digit(tight, left, choices);
    return either(std::move(choices));
  }

  void add_digit(const Tightness& tight, int left, std::vector<Expr>& choices) {
    const auto digit_of = [](const std::optional<std::string>& bound, char otherwise) {
      return !bound ? otherwise : bound->empty() ? '0' : bound->front();
    };
    const auto rest = [](const std::optional<std::string>& bound) {
      return bound->empty() ? std::string() : bound->substr(1);
    };
    const char l = digit_of(tight.low, '0'), h = digit_of(tight.high, '9');
    const auto add = [&](char first, char last, bool at_low, bool at_high) {
      if (first > last) return;
      Tightness next = tight;
      next.low = tight.low && at_low ? std::optional(rest(tight.low)) : std::nullopt;
      next.high = tight.high && at_high ? std::optional(rest(tight.high)) : std::nullopt;
      if (const MaybeExpr more = behind_point(next, left - 1, false))
        choices.push_back(b_.sequence({digit(first, last), *more}));
    };
    if (l > h) return;
    if (tight.low && tight.high && l == h) return add(l, l, true, true);
    if (tight.low) add(l, l, true, false);
    add(static_cast<char>(l + (tight.low ? 1 : 0)), static_cast<char>(h - (tight.high ? 1 : 0)),
        false, false);
    if (tight.high) add(h, h, false, true);
  }

  // Numbers whose whole part is `whole`, whose rest keeps to `tight`.
  void add_fractions(Expr whole, const Tightness& tight, std::vector<Expr>& choices) {
    const bool low_met = !tight.low || (tight.low->empty() && !tight.low_exclusive);
    const bool high_met = !tight.high || !tight.high->empty() || !tight.high_exclusive;
    if (low_met && high_met) choices.push_back(whole);
    if (const MaybeExpr more = behind_point(tight, fraction_digits_, true))
      choices.push_back(b_.sequence({whole, b_.text("."), *more}));
  }

  MaybeExpr with_fraction(const Magnitudes& range) {
    const Decimal& low = range.low.value;
    std::vector<Expr> choices;
    Tightness at_low{.low = low.fraction, .high = {}, .low_exclusive = range.low.is_exclusive};
    if (!range.high) {
      add_fractions(b_.text(low.whole), at_low, choices);
      if (const MaybeExpr above = wholes(plus_one(low.whole), highest(low.whole)))
        add_fractions(*above, {}, choices);
      return either(std::move(choices));
    }
    const Decimal& high = range.high->value;
    Tightness at_high{.low = {}, .high = high.fraction};
    at_high.high_exclusive = at_low.high_exclusive = range.high->is_exclusive;
    if (low.whole == high.whole) {
      at_low.high = high.fraction;
      add_fractions(b_.text(low.whole), at_low, choices);
      return either(std::move(choices));
    }
    if (is_less(high.whole, low.whole)) return std::nullopt;
    add_fractions(b_.text(low.whole), at_low, choices);
    if (const MaybeExpr between = wholes(plus_one(low.whole), minus_one(high.whole)))
      add_fractions(*between, {}, choices);
    add_fractions(b_.text(high.whole), at_high, choices);
    return either(std::move(choices));
  }

  GrammarBuilder& b_;
  int fraction_digits_;
};

Bound negated(Bound bound) {
  bound.value.is_negative = !bound.value.is_negative;
  return bound;
}

// The part of `range` at and above 0 (`with_zero`), or only above.
std::optional<Magnitudes> above_zero(const std::optional<Bound>& low,
                                     const std::optional<Bound>& high, bool with_zero) {
  const Bound zero{.value = {.is_negative = false, .whole = "0", .fraction = ""},
                   .is_exclusive = !with_zero};
  if (high && high->value.is_negative) return std::nullopt;
  Magnitudes part{.low = zero, .high = high};
  if (low && !low->value.is_negative) {
    part.low = *low;
    if (low->value.is_zero()) part.low.is_exclusive |= !with_zero;
  }
  return part;
}

}  // namespace

std::optional<Decimal> parse_decimal(const std::string& text) {
  Decimal out{.is_negative = false, .whole = "", .fraction = ""};
  size_t at = 0;
  if (text[at] == '-') out.is_negative = true, ++at;
  const size_t exponent_at = std::min(text.find_first_of("eE"), text.size());
  const size_t point = std::min(text.find('.'), exponent_at);
  out.whole = text.substr(at, point - at);
  if (point < exponent_at) out.fraction = text.substr(point + 1, exponent_at - point - 1);
  const int exponent = exponent_at < text.size() ? std::stoi(text.substr(exponent_at + 1)) : 0;
  for (int i = 0; i < exponent; ++i) {
    out.whole += out.fraction.empty() ? '0' : out.fraction[0];
    if (!out.fraction.empty()) out.fraction.erase(0, 1);
  }
  for (int i = 0; i > exponent; --i) {
    out.fraction.insert(0, 1, out.whole.empty() ? '0' : out.whole.back());
    if (!out.whole.empty()) out.whole.pop_back();
  }
  out.whole.erase(0, std::min(out.whole.find_first_not_of('0'), out.whole.size()));
  if (out.whole.empty()) out.whole = "0";
  out.fraction.erase(out.fraction.find_last_not_of('0') + 1);
  if (out.whole.size() > kDigitsMax || out.fraction.size() > kDigitsMax) return std::nullopt;
  if (out.is_zero()) out.is_negative = false;
  return out;
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.is_negative != b.is_negative) return a.is_negative ? -1 : 1;
  const int sign = a.is_negative ? -1 : 1;
  if (a.whole != b.whole) return is_less(a.whole, b.whole) ? -sign : sign;
  return sign * a.fraction.compare(b.fraction);
}

std::optional<Expr> number_in(GrammarBuilder& builder, const NumberRange& range) {
  Spelling spelling(builder, range.fraction_digits_max);
  std::vector<Expr> choices;
  if (const auto part = above_zero(range.low, range.high, /*with_zero=*/true))
    if (const MaybeExpr numbers = spelling.magnitudes(*part)) choices.push_back(*numbers);
  // Below zero: the mirror image, its bounds swapped.
  const auto mirrored = [](const std::optional<Bound>& b) {
    return b ? std::optional(negated(*b)) : std::nullopt;
  };
  std::optional<Bound> low = mirrored(range.high), high = mirrored(range.low);
  for (std::optional<Bound>* bound : {&low, &high})
    if (*bound && (*bound)->value.is_zero()) (*bound)->value.is_negative = false;
  if (const auto part = above_zero(low, high, /*with_zero=*/false))
    if (const MaybeExpr numbers = spelling.magnitudes(*part))
      choices.push_back(builder.sequence({builder.text("-"), *numbers}));
  if (choices.empty()) return std::nullopt;
  return builder.choice(std::move(choices));
}

}  // namespace hearth::serve
