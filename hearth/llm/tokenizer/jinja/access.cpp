// object.name, object[index] and object[start:stop:step].
#include <algorithm>
#include <limits>

#include "hearth/llm/tokenizer/jinja/builtin.h"
#include "hearth/llm/tokenizer/jinja/operations.h"
#include "hearth/llm/tokenizer/jinja/printing.h"
#include "hearth/llm/tokenizer/jinja/text.h"

namespace hearth::llm::jinja {
namespace {

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

}  // namespace hearth::llm::jinja
