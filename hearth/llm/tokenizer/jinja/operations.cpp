#include "hearth/llm/tokenizer/jinja/operations.h"

#include <algorithm>

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

}  // namespace

// Tuples and the group tuples of groupby compare with each other.
SequenceKind comparable_kind(const Value& v) {
  const SequenceKind kind = v.as_sequence().kind;
  return kind == SequenceKind::group ? SequenceKind::tuple : kind;
}

bool is_list_or_tuple(const Value& v) {
  if (!v.is(Kind::sequence)) return false;
  const SequenceKind kind = comparable_kind(v);
  return kind == SequenceKind::list || kind == SequenceKind::tuple;
}

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
