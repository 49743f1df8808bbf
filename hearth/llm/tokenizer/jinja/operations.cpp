#include "hearth/llm/tokenizer/jinja/operations.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "hearth/llm/tokenizer/jinja/builtin.h"
#include "hearth/llm/tokenizer/jinja/printing.h"
#include "hearth/llm/tokenizer/jinja/text.h"

namespace hearth::llm::jinja {
namespace {

bool are_equal_items(Runtime& rt, const std::vector<Value>& a, const std::vector<Value>& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [&](const Value& x, const Value& y) { return is_equal(rt, x, y); });
}

bool are_equal_entries(Runtime& rt, const Mapping& a, const Mapping& b) {
  if (a.entries.size() != b.entries.size()) return false;
  return std::all_of(a.entries.begin(), a.entries.end(), [&](const auto& entry) {
    const Value* other = find(rt, b, entry.first);
    return other != nullptr && is_equal(rt, entry.second, *other);
  });
}

// Tuples and the group tuples of groupby compare with each other.
SequenceKind comparable_kind(const Value& v) {
  const SequenceKind kind = v.as_sequence().kind;
  return kind == SequenceKind::group ? SequenceKind::tuple : kind;
}

// Start and step of a slice over `count` items, as Python's slice.indices() gives them; `length`
// items follow.
struct SliceRange {
  int64_t start = 0, step = 1, length = 0;
};

SliceRange resolve_slice(Runtime& rt, int64_t count, const Value& start, const Value& stop,
                         const Value& step) {
  SliceRange range;
  range.step = step.is_none() ? 1 : to_index(rt, step);
  if (range.step == 0) rt.fail("slice step cannot be zero");
  range.step = std::max(range.step, -std::numeric_limits<int64_t>::max());
  const int64_t lowest = range.step < 0 ? -1 : 0, highest = range.step < 0 ? count - 1 : count;
  const auto bound = [&](const Value& v, int64_t otherwise) {
    if (v.is_none()) return otherwise;
    const int64_t i = to_index(rt, v);
    return std::clamp(i < 0 ? std::max(i, -count - 1) + count : i, lowest, highest);
  };
  range.start = bound(start, range.step < 0 ? highest : lowest);
  const int64_t end = bound(stop, range.step < 0 ? lowest : highest);
  const int64_t span = range.step < 0 ? range.start - end : end - range.start;
  if (span > 0) range.length = (span - 1) / std::abs(range.step) + 1;
  return range;
}

Value slice_text(Runtime& rt, const Value& object, const Value& start, const Value& stop,
                 const Value& step) {
  const std::string_view s = object.as_text();
  rt.scan(s.size());
  const SliceRange range = resolve_slice(rt, static_cast<int64_t>(length(s)), start, stop, step);
  if (range.length == 0) return Value::text("", object.is_safe());
  if (range.step == 1) {
    const std::string_view rest = s.substr(byte_offset(s, static_cast<size_t>(range.start)));
    return Value::text(rest.substr(0, byte_offset(rest, static_cast<size_t>(range.length))),
                       object.is_safe());
  }
  const std::vector<Value> characters = iterate(rt, object);
  std::string out;
  for (int64_t k = 0; k < range.length; ++k)
    out += characters[static_cast<size_t>(range.start + k * range.step)].as_text();
  return rt.text(out, object.is_safe());
}

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
  if (a.is_safe()) return joined(a.as_text(), rt.store(escape_html(b.as_text())), true);
  return joined(rt.store(escape_html(a.as_text())), b.as_text(), true);
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

bool is_list_or_tuple(const Value& v) {
  if (!v.is(Kind::sequence)) return false;
  const SequenceKind kind = comparable_kind(v);
  return kind == SequenceKind::list || kind == SequenceKind::tuple;
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

std::string_view missing_owner(const Value& value) {
  switch (value.owner()) {
    case Kind::none:
      return "None";
    case Kind::boolean:
      return "bool object";
    case Kind::integer:
      return "int object";
    case Kind::real:
      return "float object";
    case Kind::text:
      return "str object";
    case Kind::sequence:
      return "list object";
    case Kind::mapping:
      return "dict object";
    case Kind::name_space:
      return "namespace object";
    case Kind::loop:
      return "loop object";
    default:
      return "object";
  }
}

const Value* element_at(Runtime& rt, const Sequence& sequence, const Value& index) {
  const bool is_indexable = sequence.kind <= SequenceKind::range;
  if (!is_indexable || !index.is_integral()) return nullptr;
  const auto count = static_cast<int64_t>(sequence.items.size());
  const int64_t i = to_index(rt, index);
  if (i >= count || i < -count) return nullptr;
  return &sequence.items[static_cast<size_t>(i < 0 ? i + count : i)];
}

Value character_of(Runtime& rt, std::string_view s, const Value& index) {
  const Value one = Value::integer(index.as_integer() + 1);
  return slice_text(rt, Value::text(s), index, index.as_integer() == -1 ? Value::none() : one,
                    Value::none());
}

// obj[index] as Python has it; nothing where Python raises a LookupError or TypeError.
std::optional<Value> subscript(Runtime& rt, const Value& object, const Value& index) {
  switch (object.kind()) {
    case Kind::undefined:
      fail_undefined(rt, object);
    case Kind::text:
      if (index.is_integral() && index.as_integer() < INT64_MAX) {
        const Value found = character_of(rt, object.as_text(), index);
        if (!found.as_text().empty()) return Value::text(found.as_text(), object.is_safe());
      }
      return std::nullopt;
    case Kind::sequence:
      if (const Value* found = element_at(rt, object.as_sequence(), index)) return *found;
      return std::nullopt;
    case Kind::mapping:
      if (const Value* found = find(rt, object.as_mapping(), index)) return *found;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<Value> loop_attribute(const LoopState& loop, std::string_view name) {
  const auto index = static_cast<int64_t>(loop.index0),
             count = static_cast<int64_t>(loop.items.size());
  const auto neighbour = [&](int64_t i, std::string_view missing) {
    return i >= 0 && i < count ? loop.items[static_cast<size_t>(i)]
                               : Value::undefined(Missing::item, missing);
  };
  if (name == "index") return Value::integer(index + 1);
  if (name == "index0") return Value::integer(index);
  if (name == "revindex") return Value::integer(count - index);
  if (name == "revindex0") return Value::integer(count - index - 1);
  if (name == "first") return Value::boolean(index == 0);
  if (name == "last") return Value::boolean(index + 1 == count);
  if (name == "length") return Value::integer(count);
  if (name == "depth") return Value::integer(1);  // of recursion, not of nesting
  if (name == "depth0") return Value::integer(0);
  if (name == "previtem") return neighbour(index - 1, "there is no previous item");
  if (name == "nextitem") return neighbour(index + 1, "there is no next item");
  return std::nullopt;
}

std::optional<Value> attribute(Runtime& rt, const Value& object, std::string_view name) {
  if (object.is(Kind::loop))
    if (auto found = loop_attribute(object.as_loop(), name)) return found;
  if (object.is(Kind::name_space)) {
    const Value* found = find(rt, object.as_mapping(), Value::text(name));
    return found ? std::optional(*found) : std::nullopt;
  }
  if (object.is(Kind::sequence) && object.as_sequence().kind == SequenceKind::group) {
    if (name == "grouper") return object.as_sequence().items[0];
    if (name == "list") return object.as_sequence().items[1];
  }
  if (const Builtin* method = find_method(object, name)) return rt.method(method, object);
  return std::nullopt;
}

}  // namespace

std::string_view type_name(const Value& value) {
  constexpr std::string_view kSequences[] = {"list",      "tuple",     "tuple",       "range",
                                             "generator", "dict_keys", "dict_values", "dict_items"};
  switch (value.kind()) {
    case Kind::undefined:
      return "Undefined";
    case Kind::none:
      return "NoneType";
    case Kind::boolean:
      return "bool";
    case Kind::integer:
      return "int";
    case Kind::real:
      return "float";
    case Kind::text:
      return "str";
    case Kind::sequence:
      return kSequences[static_cast<int>(value.as_sequence().kind)];
    case Kind::mapping:
      return "dict";
    case Kind::name_space:
      return "Namespace";
    case Kind::loop:
      return "LoopContext";
    case Kind::macro:
      return "Macro";
    case Kind::function:
      return "function";
    case Kind::method:
      return "builtin_function_or_method";
  }
  return "object";
}

void fail_undefined(const Runtime& rt, const Value& value) {
  const std::string_view name = value.as_text();
  switch (value.missing()) {
    case Missing::variable:
      rt.fail("'{}' is undefined", name);
    case Missing::attribute:
      rt.fail("'{}' has no attribute '{}'", missing_owner(value), name);
    case Missing::element:
      rt.fail("{} has no element {}", missing_owner(value), name);
    case Missing::argument:
      rt.fail("parameter '{}' was not provided", name);
    case Missing::item:
      rt.fail("{}", name);
  }
  rt.fail("undefined value");
}

bool is_true(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
    case Kind::none:
      return false;
    case Kind::boolean:
    case Kind::integer:
      return value.as_integer() != 0;
    case Kind::real:
      return value.as_real() != 0;
    case Kind::text:
      return !value.as_text().empty();
    case Kind::sequence:  // Python cannot know whether a generator has items
      return value.as_sequence().kind == SequenceKind::generator ||
             !value.as_sequence().items.empty();
    case Kind::mapping:
      return !value.as_mapping().entries.empty();
    default:
      return true;
  }
}

bool is_equal(Runtime& rt, const Value& a, const Value& b) {
  const Runtime::Depth depth(rt);
  rt.step();
  if (a.is_number() && b.is_number()) {
    if (a.is_integral() && b.is_integral()) return a.as_integer() == b.as_integer();
    return a.as_real() == b.as_real();
  }
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::undefined:
    case Kind::none:
      return true;
    case Kind::text:
      if (a.as_text().size() != b.as_text().size()) return false;
      rt.scan(a.as_text().size());
      return a.as_text() == b.as_text();
    case Kind::sequence:
      if (a.is_same(b)) return true;
      if (comparable_kind(a) != comparable_kind(b) || comparable_kind(a) == SequenceKind::generator)
        return false;
      return are_equal_items(rt, a.as_sequence().items, b.as_sequence().items);
    case Kind::mapping:
      return a.is_same(b) || are_equal_entries(rt, a.as_mapping(), b.as_mapping());
    default:
      return a.is_same(b);
  }
}

std::partial_ordering compare(Runtime& rt, const Value& a, const Value& b,
                              std::string_view symbol) {
  const Runtime::Depth depth(rt);
  rt.step();
  if (a.is_integral() && b.is_integral()) return a.as_integer() <=> b.as_integer();
  if (a.is_number() && b.is_number()) return a.as_real() <=> b.as_real();
  if (a.is_text() && b.is_text()) {
    rt.scan(std::min(a.as_text().size(), b.as_text().size()));
    return a.as_text() <=> b.as_text();  // the order of UTF-8 bytes is the order of characters
  }
  if (is_list_or_tuple(a) && is_list_or_tuple(b) && comparable_kind(a) == comparable_kind(b)) {
    const auto &x = a.as_sequence().items, &y = b.as_sequence().items;
    for (size_t i = 0; i < x.size() && i < y.size(); ++i)
      if (!is_equal(rt, x[i], y[i])) return compare(rt, x[i], y[i], symbol);
    return x.size() <=> y.size();
  }
  if (a.is_undefined()) fail_undefined(rt, a);
  if (b.is_undefined()) fail_undefined(rt, b);
  rt.fail("'{}' not supported between instances of '{}' and '{}'", symbol, type_name(a),
          type_name(b));
}

bool contains(Runtime& rt, const Value& container, const Value& item) {
  switch (container.kind()) {
    case Kind::undefined:
      return false;
    case Kind::text:
      if (item.is_undefined()) fail_undefined(rt, item);
      if (!item.is_text())
        rt.fail("'in <string>' requires string as left operand, not {}", type_name(item));
      rt.search(container.as_text().size(), item.as_text().size());
      return container.as_text().find(item.as_text()) != std::string_view::npos;
    case Kind::mapping:
      return find(rt, container.as_mapping(), item) != nullptr;
    case Kind::sequence: {
      Sequence& sequence = container.as_sequence();
      const bool is_generator = sequence.kind == SequenceKind::generator;
      for (size_t i = is_generator ? sequence.consumed : 0; i < sequence.items.size(); ++i) {
        if (is_generator) sequence.consumed = i + 1;
        if (is_equal(rt, sequence.items[i], item)) return true;
      }
      return false;
    }
    default:
      rt.fail("argument of type '{}' is not iterable", type_name(container));
  }
}

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

Value get_attribute(Runtime& rt, const Value& object, std::string_view name) {
  if (object.is_undefined()) fail_undefined(rt, object);
  if (auto found = attribute(rt, object, name)) return *found;
  if (auto found = subscript(rt, object, Value::text(name))) return *found;
  return Value::undefined(Missing::attribute, name, object.kind());
}

Value get_item(Runtime& rt, const Value& object, const Value& index) {
  if (auto found = subscript(rt, object, index)) return *found;
  if (index.is_text()) {
    if (auto found = attribute(rt, object, index.as_text())) return *found;
    return Value::undefined(Missing::attribute, index.as_text(), object.kind());
  }
  return Value::undefined(Missing::element, to_text(rt, index), object.kind());
}

Value get_slice(Runtime& rt, const Value& object, const Value& start, const Value& stop,
                const Value& step) {
  if (object.is_text()) return slice_text(rt, object, start, stop, step);
  if (object.is_undefined()) fail_undefined(rt, object);
  if (!object.is(Kind::sequence) || object.as_sequence().kind > SequenceKind::range)
    rt.fail("'{}' object is not subscriptable", type_name(object));
  const Sequence& source = object.as_sequence();
  const SliceRange range =
      resolve_slice(rt, static_cast<int64_t>(source.items.size()), start, stop, step);
  std::vector<Value> items;
  for (int64_t k = 0; k < range.length; ++k)
    rt.push(items, source.items[static_cast<size_t>(range.start + k * range.step)]);
  return rt.sequence(comparable_kind(object), std::move(items));
}

std::vector<Value> iterate(Runtime& rt, const Value& value) {
  std::vector<Value> items;
  switch (value.kind()) {
    case Kind::undefined:
      break;
    case Kind::text: {
      const std::string_view s = value.as_text();
      for (size_t i = 0; i < s.size();) {
        const size_t bytes = character_at(s, i).bytes;
        rt.push(items, Value::text(s.substr(i, bytes)));
        i += bytes;
      }
      break;
    }
    case Kind::mapping:
      for (const auto& entry : value.as_mapping().entries) rt.push(items, entry.first);
      break;
    case Kind::sequence: {
      Sequence& sequence = value.as_sequence();
      rt.charge(sequence.items.size() * sizeof(Value));
      rt.step(sequence.items.size());
      items.assign(sequence.items.begin() + static_cast<ptrdiff_t>(sequence.consumed),
                   sequence.items.end());
      if (sequence.kind == SequenceKind::generator) sequence.consumed = sequence.items.size();
      break;
    }
    default:
      rt.fail("'{}' object is not iterable", type_name(value));
  }
  return items;
}

bool is_iterable(const Value& value) {
  return value.is_undefined() || value.is_text() || value.is(Kind::sequence) ||
         value.is(Kind::mapping) || value.is(Kind::loop);
}

int64_t measure(Runtime& rt, const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
      return 0;
    case Kind::text:
      rt.scan(value.as_text().size());
      return static_cast<int64_t>(length(value.as_text()));
    case Kind::mapping:
      return static_cast<int64_t>(value.as_mapping().entries.size());
    case Kind::sequence:
      if (value.as_sequence().kind != SequenceKind::generator)
        return static_cast<int64_t>(value.as_sequence().items.size());
      [[fallthrough]];
    default:
      rt.fail("object of type '{}' has no len()", type_name(value));
  }
}

const Value* find(Runtime& rt, const Mapping& mapping, const Value& key) {
  rt.step(mapping.entries.size() / 16);
  for (const auto& [name, value] : mapping.entries) {
    if (key.is_text() && name.is_text()) {
      if (key.as_text().size() != name.as_text().size()) continue;
      rt.step(key.as_text().size() / 64);
      if (key.as_text() == name.as_text()) return &value;
    } else if (is_equal(rt, name, key)) {
      return &value;
    }
  }
  return nullptr;
}

void put(Runtime& rt, Mapping& mapping, const Value& key, const Value& value) {
  if (is_list_or_tuple(key) && comparable_kind(key) == SequenceKind::list)
    rt.fail("unhashable type: 'list'");
  if (key.is(Kind::mapping)) rt.fail("unhashable type: 'dict'");
  if (const Value* found = find(rt, mapping, key)) {
    *const_cast<Value*>(found) = value;
    return;
  }
  rt.step();
  rt.charge(4 * sizeof(Value));  // two a row, and vectors double
  mapping.entries.emplace_back(key, value);
}

int64_t to_index(Runtime& rt, const Value& value) {
  if (value.is_undefined()) fail_undefined(rt, value);
  if (!value.is_integral())
    rt.fail("'{}' object cannot be interpreted as an integer", type_name(value));
  return value.as_integer();
}

}  // namespace hearth::llm::jinja
