// Filters that convert and round numbers.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "hearth/llm/tokenizer/jinja/builtin.h"
#include "hearth/llm/tokenizer/jinja/operations.h"
#include "hearth/llm/tokenizer/jinja/text.h"

namespace hearth::llm::jinja {
namespace {

// Python allows single underscores between digits.
std::optional<std::string> without_underscores(std::string_view s) {
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    const auto is_digit_at = [&](size_t k) {
      return k < s.size() && std::isalnum(static_cast<unsigned char>(s[k]));
    };
    if (s[i] != '_')
      out += s[i];
    else if (i == 0 || !is_digit_at(i - 1) || !is_digit_at(i + 1))
      return std::nullopt;
  }
  return out;
}

// int(s, base): nothing when `s` is no integer.
std::optional<int64_t> parse_integer(Runtime& rt, std::string_view s, int64_t base) {
  s = strip(s, std::nullopt, Side::both);
  const bool is_negative = s.starts_with('-');
  if (is_negative || s.starts_with('+')) s.remove_prefix(1);
  const auto prefix_base = [&] {
    if (s.size() < 2 || s[0] != '0') return 0;
    const char c = static_cast<char>(s[1] | 0x20);
    return c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 0;
  }();
  if (prefix_base != 0 && (base == 0 || base == prefix_base)) {
    base = prefix_base;
    s.remove_prefix(2);
    if (s.starts_with('_')) s.remove_prefix(1);
  }
  if (base == 0) base = 10;
  if (base < 2 || base > 36) rt.fail("int() base must be >= 2 and <= 36, or 0");
  const auto digits = without_underscores(s);
  if (!digits || digits->empty() || digits->front() == '-' || digits->front() == '+')
    return std::nullopt;
  int64_t value = 0;
  const std::string signed_digits = (is_negative ? "-" : "") + *digits;
  const char* end = signed_digits.data() + signed_digits.size();
  const auto [stop, error] =
      std::from_chars(signed_digits.data(), end, value, static_cast<int>(base));
  if (stop != end) return std::nullopt;
  if (error == std::errc::result_out_of_range)
    rt.fail("integer '{}' outside 64 bits", signed_digits);
  return value;
}

// float(s): nothing when `s` is no number.
std::optional<double> parse_real(std::string_view s) {
  s = strip(s, std::nullopt, Side::both);
  const bool is_negative = s.starts_with('-');
  if (is_negative || s.starts_with('+')) s.remove_prefix(1);
  const auto digits = without_underscores(s);
  if (!digits || digits->empty() || digits->front() == '-' || digits->find('(') != digits->npos)
    return std::nullopt;
  const std::optional<double> value = read_real(*digits);
  return value && is_negative ? -*value : value;
}

std::optional<int64_t> truncated(double value) {
  if (!(std::fabs(value) < 0x1p63)) return std::nullopt;
  return static_cast<int64_t>(value);
}

Value filter_int(Call& call) {
  const Value& v = call.subject;
  const Value otherwise = call.has(0) ? call.arg(0) : Value::integer(0);
  if (v.is_undefined()) fail_undefined(call.rt, v);
  if (v.is_integral()) return Value::integer(v.as_integer());
  std::optional<double> real;
  if (v.is_text()) {
    call.rt.scan(v.as_text().size());
    if (const auto parsed = parse_integer(call.rt, v.as_text(), call.integer(1, 10)))
      return Value::integer(*parsed);
    real = parse_real(v.as_text());
  } else if (v.is(Kind::real)) {
    real = v.as_real();
  }
  if (real)
    if (const auto whole = truncated(*real)) return Value::integer(*whole);
  return otherwise;
}

Value filter_float(Call& call) {
  const Value& v = call.subject;
  if (v.is_undefined()) fail_undefined(call.rt, v);
  if (v.is_number()) return Value::real(v.as_real());
  if (v.is_text()) {
    call.rt.scan(v.as_text().size());
    if (const auto parsed = parse_real(v.as_text())) return Value::real(*parsed);
  }
  return call.has(0) ? call.arg(0) : Value::real(0.0);
}

Value filter_abs(Call& call) {
  const Value& v = call.subject;
  if (!v.is_number()) {
    if (v.is_undefined()) fail_undefined(call.rt, v);
    call.rt.fail("bad operand type for abs(): '{}'", type_name(v));
  }
  const bool is_negative = v.is_integral() ? v.as_integer() < 0 : std::signbit(v.as_real());
  if (is_negative) return negate(call.rt, v);
  return v.is_integral() ? Value::integer(v.as_integer()) : v;
}

// round(x, digits) of Python: the exact binary value, halves to even.
double round_common(double value, int64_t digits) {
  if (!std::isfinite(value) || digits > 300) return value;
  if (digits < 0) {
    const double scale = std::pow(10.0, static_cast<double>(-digits));
    return std::isfinite(scale) ? std::nearbyint(value / scale) * scale : 0.0;
  }
  return std::stod(fmt::format("{:.{}f}", value, digits));
}

Value filter_round(Call& call) {
  const Value& v = call.subject;
  if (v.is_undefined()) fail_undefined(call.rt, v);
  if (!v.is_number()) call.rt.fail("type {} doesn't define __round__ method", type_name(v));
  const int64_t digits = std::clamp<int64_t>(call.integer(0, 0), -400, 400);
  const std::string_view method = call.has(1) ? call.text(1) : "common";
  if (method == "common") {
    if (v.is_integral() && digits >= 0) return Value::integer(v.as_integer());
    const double rounded = round_common(v.as_real(), digits);
    if (!v.is_integral()) return Value::real(rounded);
    const auto whole = truncated(rounded);
    if (!whole) call.rt.fail("integer result outside 64 bits");
    return Value::integer(*whole);
  }
  const double scale = std::pow(10.0, static_cast<double>(digits));
  if (method == "ceil") return Value::real(std::ceil(v.as_real() * scale) / scale);
  if (method == "floor") return Value::real(std::floor(v.as_real() * scale) / scale);
  call.rt.fail("method must be common, ceil or floor");
}

constexpr Builtin kNumberFilters[] = {
    {"int", filter_int, {"default", "base"}},
    {"float", filter_float, {"default"}},
    {"abs", filter_abs},
    {"round", filter_round, {"precision", "method"}},
};

}  // namespace

std::span<const Builtin> number_filters() { return kNumberFilters; }

}  // namespace hearth::llm::jinja
