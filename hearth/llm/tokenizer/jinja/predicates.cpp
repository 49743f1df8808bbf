// The tests of `x is NAME`.
#include <algorithm>

#include "hearth/llm/tokenizer/jinja/builtin.h"
#include "hearth/llm/tokenizer/jinja/operations.h"
#include "hearth/llm/tokenizer/jinja/printing.h"
#include "hearth/llm/tokenizer/jinja/text.h"

namespace hearth::llm::jinja {
namespace {

template <Kind kKind>
Value is_of_kind(Call& call) {
  return Value::boolean(call.subject.is(kKind));
}

Value test_defined(Call& call) { return Value::boolean(!call.subject.is_undefined()); }
Value test_number(Call& call) { return Value::boolean(call.subject.is_number()); }
Value test_iterable(Call& call) { return Value::boolean(is_iterable(call.subject)); }

// What Python can measure and subscript: dictionaries and undefined values count, generators and
// views do not.
Value test_sequence(Call& call) {
  const Value& v = call.subject;
  const bool is_subscriptable = v.is(Kind::sequence) && v.as_sequence().kind <= SequenceKind::range;
  return Value::boolean(v.is_undefined() || v.is_text() || v.is(Kind::mapping) || is_subscriptable);
}

Value test_callable(Call& call) {
  const Kind kind = call.subject.kind();
  return Value::boolean(kind == Kind::macro || kind == Kind::function || kind == Kind::method ||
                        kind == Kind::undefined);
}

template <bool kExpected>
Value is_boolean(Call& call) {
  return Value::boolean(call.subject.is(Kind::boolean) &&
                        (call.subject.as_integer() != 0) == kExpected);
}

Value remainder(Call& call, int64_t divisor) {
  return calculate(call.rt, Operator::modulo, call.subject, Value::integer(divisor));
}
Value test_odd(Call& call) {
  return Value::boolean(is_equal(call.rt, remainder(call, 2), Value::integer(1)));
}
Value test_even(Call& call) {
  return Value::boolean(is_equal(call.rt, remainder(call, 2), Value::integer(0)));
}
Value test_divisible(Call& call) {
  const Value rest = calculate(call.rt, Operator::modulo, call.subject, call.arg(0));
  return Value::boolean(is_equal(call.rt, rest, Value::integer(0)));
}

Value test_equal(Call& call) {
  return Value::boolean(is_equal(call.rt, call.subject, call.arg(0)));
}
Value test_unequal(Call& call) {
  return Value::boolean(!is_equal(call.rt, call.subject, call.arg(0)));
}
Value test_less(Call& call) {
  return Value::boolean(compare(call.rt, call.subject, call.arg(0), "<") < 0);
}
Value test_at_most(Call& call) {
  return Value::boolean(compare(call.rt, call.subject, call.arg(0), "<=") <= 0);
}
Value test_greater(Call& call) {
  return Value::boolean(compare(call.rt, call.subject, call.arg(0), ">") > 0);
}
Value test_at_least(Call& call) {
  return Value::boolean(compare(call.rt, call.subject, call.arg(0), ">=") >= 0);
}
Value test_in(Call& call) { return Value::boolean(contains(call.rt, call.arg(0), call.subject)); }
Value test_same(Call& call) { return Value::boolean(call.subject.is_same(call.arg(0))); }
Value test_escaped(Call& call) {
  return Value::boolean(call.subject.is_text() && call.subject.is_safe());
}

// str.isupper() and str.islower() of the value's text: some character has case, and all that have
// it agree.
Value has_case(Call& call, bool (*wanted)(char32_t), bool (*unwanted)(char32_t)) {
  const std::string_view s = to_text(call.rt, call.subject);
  call.rt.classify(s.size());
  bool some = false;
  for (size_t i = 0; i < s.size();) {
    const Character c = character_at(s, i);
    if (unwanted(c.code)) return Value::boolean(false);
    some = some || wanted(c.code);
    i += c.bytes;
  }
  return Value::boolean(some);
}
Value test_upper(Call& call) { return has_case(call, is_upper, is_lower); }
Value test_lower(Call& call) { return has_case(call, is_lower, is_upper); }

Value test_filter(Call& call) {
  return Value::boolean(call.subject.is_text() && find_filter(call.subject.as_text()) != nullptr);
}
Value test_test(Call& call) {
  return Value::boolean(call.subject.is_text() && find_test(call.subject.as_text()) != nullptr);
}

constexpr Builtin kTests[] = {
    {"defined", test_defined},
    {"undefined", is_of_kind<Kind::undefined>},
    {"none", is_of_kind<Kind::none>},
    {"boolean", is_of_kind<Kind::boolean>},
    {"integer", is_of_kind<Kind::integer>},
    {"float", is_of_kind<Kind::real>},
    {"number", test_number},
    {"string", is_of_kind<Kind::text>},
    {"mapping", is_of_kind<Kind::mapping>},
    {"sequence", test_sequence},
    {"iterable", test_iterable},
    {"callable", test_callable},
    {"true", is_boolean<true>},
    {"false", is_boolean<false>},
    {"odd", test_odd},
    {"even", test_even},
    {"divisibleby", test_divisible, {"num"}, 1},
    {"equalto", test_equal, {"other"}, 1},
    {"eq", test_equal, {"other"}, 1},
    {"==", test_equal, {"other"}, 1},
    {"ne", test_unequal, {"other"}, 1},
    {"!=", test_unequal, {"other"}, 1},
    {"lt", test_less, {"other"}, 1},
    {"lessthan", test_less, {"other"}, 1},
    {"<", test_less, {"other"}, 1},
    {"le", test_at_most, {"other"}, 1},
    {"<=", test_at_most, {"other"}, 1},
    {"gt", test_greater, {"other"}, 1},
    {"greaterthan", test_greater, {"other"}, 1},
    {">", test_greater, {"other"}, 1},
    {"ge", test_at_least, {"other"}, 1},
    {">=", test_at_least, {"other"}, 1},
    {"in", test_in, {"seq"}, 1},
    {"sameas", test_same, {"other"}, 1},
    {"escaped", test_escaped},
    {"upper", test_upper},
    {"lower", test_lower},
    {"filter", test_filter},
    {"test", test_test},
};

}  // namespace

const Builtin* find_test(std::string_view name) {
  const auto* found = std::find_if(std::begin(kTests), std::end(kTests),
                                   [&](const Builtin& b) { return b.name == name; });
  return found == std::end(kTests) ? nullptr : found;
}

}  // namespace hearth::llm::jinja
