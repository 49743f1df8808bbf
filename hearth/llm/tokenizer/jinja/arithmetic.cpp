// + - * / // % ** and their meaning for texts and lists.
#include <algorithm>
#include <cmath>

#include "hearth/llm/tokenizer/jinja/builtin.h"
#include "hearth/llm/tokenizer/jinja/operations.h"
#include "hearth/llm/tokenizer/jinja/printing.h"

namespace hearth::llm::jinja {
namespace {

void check_range(Runtime& rt, bool overflowed) {
  if (overflowed) rt.fail("integer result outside 64 bits");
}

double floor_modulo(double a, double b) {
  const double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

int64_t floor_divide(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

Value power(Runtime& rt, int64_t base, int64_t exponent) {
  if (exponent < 0)
    return Value::real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  int64_t result = 1;
  while (exponent > 0) {
    if (exponent & 1) check_range(rt, __builtin_mul_overflow(result, base, &result));
    exponent >>= 1;
    // Squaring is checked only while it is still needed.
    if (exponent > 0) check_range(rt, __builtin_mul_overflow(base, base, &base));
  }
  return Value::integer(result);
}

Value calculate_integers(Runtime& rt, Operator op, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (op) {
    case Operator::add:
      check_range(rt, __builtin_add_overflow(a, b, &result));
      return Value::integer(result);
    case Operator::subtract:
      check_range(rt, __builtin_sub_overflow(a, b, &result));
      return Value::integer(result);
    case Operator::multiply:
      check_range(rt, __builtin_mul_overflow(a, b, &result));
      return Value::integer(result);
    case Operator::divide:
      if (b == 0) rt.fail("division by zero");
      return Value::real(static_cast<double>(a) / static_cast<double>(b));
    case Operator::floor_divide:
    case Operator::modulo:
      if (b == 0) rt.fail("integer division or modulo by zero");
      if (b == -1)  // the quotient of the lowest integer does not fit
        return op == Operator::modulo ? Value::integer(0) : negate(rt, Value::integer(a));
      return Value::integer(op == Operator::modulo ? a - floor_divide(a, b) * b
                                                   : floor_divide(a, b));
    case Operator::power:
      return power(rt, a, b);
  }
  return Value::none();
}

Value calculate_reals(Runtime& rt, Operator op, double a, double b) {
  switch (op) {
    case Operator::add:
      return Value::real(a + b);
    case Operator::subtract:
      return Value::real(a - b);
    case Operator::multiply:
      return Value::real(a * b);
    case Operator::divide:
      if (b == 0) rt.fail("float division by zero");
      return Value::real(a / b);
    case Operator::floor_divide:
      if (b == 0) rt.fail("float floor division by zero");
      return Value::real(std::floor((a - floor_modulo(a, b)) / b + 0.5));
    case Operator::modulo:
      if (b == 0) rt.fail("float modulo");
      return Value::real(floor_modulo(a, b));
    case Operator::power:
      if (a == 0 && b < 0) rt.fail("0.0 cannot be raised to a negative power");
      return Value::real(std::pow(a, b));
  }
  return Value::none();
}

// Text marked safe stays safe: what is joined to it is escaped first.
Value add_texts(Runtime& rt, const Value& a, const Value& b) {
  const auto joined = [&](std::string_view x, std::string_view y, bool safe) {
    return Value::text(rt.concatenate(x, y), safe);
  };
  if (a.is_safe() == b.is_safe()) return joined(a.as_text(), b.as_text(), a.is_safe());
  if (a.is_safe()) return joined(a.as_text(), escape_html(rt, b.as_text()), true);
  return joined(escape_html(rt, a.as_text()), b.as_text(), true);
}

Value repeat(Runtime& rt, const Value& value, int64_t times) {
  const auto count = static_cast<uint64_t>(std::max<int64_t>(times, 0));
  if (value.is_text()) {
    const std::string_view s = value.as_text();
    if (s.empty() || count == 0) return Value::text("", value.is_safe());
    rt.charge(count > rt.limits().memory_bytes_max ? rt.limits().memory_bytes_max + 1 : 0);
    std::string out;
    for (uint64_t i = 0; i < count; ++i) rt.append(out, s);
    return rt.text(out, value.is_safe());
  }
  const Sequence& source = value.as_sequence();
  std::vector<Value> items;
  for (uint64_t i = 0; i < count && !source.items.empty(); ++i)
    for (const Value& item : source.items) rt.push(items, item);
  return rt.sequence(source.kind, std::move(items));
}

Value join_sequences(Runtime& rt, const Value& a, const Value& b) {
  std::vector<Value> items;
  for (const Value& item : a.as_sequence().items) rt.push(items, item);
  for (const Value& item : b.as_sequence().items) rt.push(items, item);
  return rt.sequence(comparable_kind(a), std::move(items));
}

[[noreturn]] void fail_operands(Runtime& rt, Operator op, const Value& a, const Value& b) {
  constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "**"};
  if (a.is_undefined()) fail_undefined(rt, a);
  if (b.is_undefined()) fail_undefined(rt, b);
  if (op == Operator::add && a.is_text())
    rt.fail("can only concatenate str (not \"{}\") to str", type_name(b));
  rt.fail("unsupported operand type(s) for {}: '{}' and '{}'", kSymbols[static_cast<int>(op)],
          type_name(a), type_name(b));
}

}  // namespace

Value calculate(Runtime& rt, Operator op, const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral())
    return calculate_integers(rt, op, a.as_integer(), b.as_integer());
  if (a.is_number() && b.is_number()) return calculate_reals(rt, op, a.as_real(), b.as_real());
  if (op == Operator::add) {
    if (a.is_text() && b.is_text()) return add_texts(rt, a, b);
    if (is_list_or_tuple(a) && is_list_or_tuple(b) && comparable_kind(a) == comparable_kind(b))
      return join_sequences(rt, a, b);
  }
  if (op == Operator::multiply) {
    if (b.is_integral() && (a.is_text() || is_list_or_tuple(a)))
      return repeat(rt, a, b.as_integer());
    if (a.is_integral() && (b.is_text() || is_list_or_tuple(b)))
      return repeat(rt, b, a.as_integer());
  }
  if (op == Operator::modulo && a.is_text()) {
    const Builtin* format = find_filter("format");
    HEARTH_CHECK(format != nullptr);
    ArgumentValues arguments;
    if (b.is(Kind::sequence) && comparable_kind(b) == SequenceKind::tuple)
      arguments.positional = b.as_sequence().items;
    else
      arguments.positional = {b};
    return invoke(rt, *format, a, arguments);
  }
  fail_operands(rt, op, a, b);
}

Value negate(Runtime& rt, const Value& value) {
  if (value.is_integral()) return calculate_integers(rt, Operator::subtract, 0, value.as_integer());
  if (value.is(Kind::real)) return Value::real(-value.as_real());
  if (value.is_undefined()) fail_undefined(rt, value);
  rt.fail("bad operand type for unary -: '{}'", type_name(value));
}

}  // namespace hearth::llm::jinja
