// Methods of lists, tuples, dictionaries and the loop variable, as Python defines them.
#include <algorithm>

#include "hearth/llm/tokenizer/jinja/builtin.h"
#include "hearth/llm/tokenizer/jinja/operations.h"

namespace hearth::llm::jinja {
namespace {

std::vector<Value>& items_of(Call& call) { return call.subject.as_sequence().items; }

int64_t position_of(Call& call) {
  const auto& items = items_of(call);
  for (size_t i = 0; i < items.size(); ++i)
    if (is_equal(call.rt, items[i], call.arg(0))) return static_cast<int64_t>(i);
  return -1;
}

Value list_append(Call& call) {
  call.rt.push(items_of(call), call.arg(0));
  return Value::none();
}

Value list_extend(Call& call) {
  for (const Value& item : iterate(call.rt, call.arg(0))) call.rt.push(items_of(call), item);
  return Value::none();
}

Value list_insert(Call& call) {
  auto& items = items_of(call);
  const auto count = static_cast<int64_t>(items.size());
  const int64_t i = call.integer(0, 0);
  const int64_t at = std::clamp(i < 0 ? std::max(i, -count) + count : i, int64_t{0}, count);
  call.rt.step(items.size() / 16);
  call.rt.push(items, call.arg(1));
  std::rotate(items.begin() + at, items.end() - 1, items.end());
  return Value::none();
}

Value list_pop(Call& call) {
  auto& items = items_of(call);
  const auto count = static_cast<int64_t>(items.size());
  if (items.empty()) call.rt.fail("pop from empty list");
  const int64_t i = call.integer(0, -1);
  if (i >= count || i < -count) call.rt.fail("pop index out of range");
  const auto at = items.begin() + (i < 0 ? i + count : i);
  call.rt.step(items.size() / 16);
  const Value item = *at;
  items.erase(at);
  return item;
}

Value list_remove(Call& call) {
  const int64_t at = position_of(call);
  if (at < 0) call.rt.fail("list.remove(x): x not in list");
  call.rt.step(items_of(call).size() / 16);
  items_of(call).erase(items_of(call).begin() + at);
  return Value::none();
}

Value list_clear(Call& call) {
  items_of(call).clear();
  return Value::none();
}

Value list_copy(Call& call) { return call.rt.list(iterate(call.rt, call.subject)); }

Value list_reverse(Call& call) {
  call.rt.step(items_of(call).size());
  std::reverse(items_of(call).begin(), items_of(call).end());
  return Value::none();
}

Value list_sort(Call& call) {
  auto sorted = iterate(call.rt, call.subject);
  const bool is_reversed = call.flag(0, false);
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Value& a, const Value& b) {
    return is_reversed ? compare(call.rt, b, a, "<") < 0 : compare(call.rt, a, b, "<") < 0;
  });
  items_of(call) = std::move(sorted);
  return Value::none();
}

Value sequence_index(Call& call) {
  const int64_t at = position_of(call);
  if (at < 0)
    call.rt.fail("{}.index(x): x not in {}", type_name(call.subject), type_name(call.subject));
  return Value::integer(at);
}

Value sequence_count(Call& call) {
  const auto& items = items_of(call);
  return Value::integer(std::count_if(items.begin(), items.end(), [&](const Value& item) {
    return is_equal(call.rt, item, call.arg(0));
  }));
}

Mapping& mapping_of(Call& call) { return call.subject.as_mapping(); }

Value mapping_get(Call& call) {
  const Value* found = find(call.rt, mapping_of(call), call.arg(0));
  return found ? *found : call.arg(1);
}

Value mapping_items(Call& call) {
  std::vector<Value> rows;
  for (const auto& [key, value] : mapping_of(call).entries)
    call.rt.push(rows, call.rt.tuple({key, value}));
  return call.rt.sequence(SequenceKind::items, std::move(rows));
}

Value mapping_keys(Call& call) {
  return call.rt.sequence(SequenceKind::keys, iterate(call.rt, call.subject));
}

Value mapping_values(Call& call) {
  std::vector<Value> values;
  for (const auto& entry : mapping_of(call).entries) call.rt.push(values, entry.second);
  return call.rt.sequence(SequenceKind::values, std::move(values));
}

Value erase(Call& call, const Value* found) {
  auto& entries = mapping_of(call).entries;
  const Value value = *found;
  const auto at = std::find_if(entries.begin(), entries.end(),
                               [&](const auto& e) { return &e.second == found; });
  entries.erase(at);
  return value;
}

Value mapping_pop(Call& call) {
  call.rt.step(mapping_of(call).entries.size() / 16);
  if (const Value* found = find(call.rt, mapping_of(call), call.arg(0))) return erase(call, found);
  if (!call.has(1)) call.rt.fail("pop() of a key that is not in the dict");
  return call.arg(1);
}

Value mapping_popitem(Call& call) {
  auto& entries = mapping_of(call).entries;
  if (entries.empty()) call.rt.fail("popitem(): dictionary is empty");
  const auto [key, value] = entries.back();
  entries.pop_back();
  return call.rt.tuple({key, value});
}

Value mapping_setdefault(Call& call) {
  if (const Value* found = find(call.rt, mapping_of(call), call.arg(0))) return *found;
  put(call.rt, mapping_of(call), call.arg(0), call.arg(1));
  return call.arg(1);
}

void update_from(Call& call, const Value& source) {
  if (source.is(Kind::mapping)) {
    const auto entries = source.as_mapping().entries;
    call.rt.step(entries.size());
    for (const auto& [key, value] : entries) put(call.rt, mapping_of(call), key, value);
    return;
  }
  for (const Value& row : iterate(call.rt, source)) {
    const auto pair = iterate(call.rt, row);
    if (pair.size() != 2)
      call.rt.fail("dictionary update sequence element has length {}; 2 is required", pair.size());
    put(call.rt, mapping_of(call), pair[0], pair[1]);
  }
}

Value mapping_update(Call& call) {
  if (call.raw.positional.size() > 1)
    call.rt.fail("update expected at most 1 argument, got {}", call.raw.positional.size());
  for (const Value& source : call.raw.positional) update_from(call, source);
  for (const auto& [name, value] : call.raw.named)
    put(call.rt, mapping_of(call), Value::text(name), value);
  return Value::none();
}

Value mapping_copy(Call& call) {
  Mapping* copy = call.rt.mapping();
  call.rt.charge(mapping_of(call).entries.size() * 2 * sizeof(Value));
  call.rt.step(mapping_of(call).entries.size());
  copy->entries = mapping_of(call).entries;
  return Value::mapping(copy);
}

Value mapping_clear(Call& call) {
  mapping_of(call).entries.clear();
  return Value::none();
}

Value loop_cycle(Call& call) {
  const auto& choices = call.raw.positional;
  if (choices.empty()) call.rt.fail("no items for cycling given");
  return choices[call.subject.as_loop().index0 % choices.size()];
}

Value loop_changed(Call& call) {
  LoopState& loop = call.subject.as_loop();
  const auto& now = call.raw.positional;
  const bool is_same =
      loop.has_changed && now.size() == loop.changed_last.size() &&
      std::equal(now.begin(), now.end(), loop.changed_last.begin(),
                 [&](const Value& a, const Value& b) { return is_equal(call.rt, a, b); });
  loop.has_changed = true;
  loop.changed_last = now;
  return Value::boolean(!is_same);
}

constexpr Builtin kListMethods[] = {
    {"append", list_append, {"object"}, 1},
    {"extend", list_extend, {"iterable"}, 1},
    {"insert", list_insert, {"index", "object"}, 2},
    {"pop", list_pop, {"index"}},
    {"remove", list_remove, {"value"}, 1},
    {"clear", list_clear},
    {"copy", list_copy},
    {"reverse", list_reverse},
    {"sort", list_sort, {"reverse"}},
    {"index", sequence_index, {"value"}, 1},
    {"count", sequence_count, {"value"}, 1},
};

constexpr Builtin kTupleMethods[] = {
    {"index", sequence_index, {"value"}, 1},
    {"count", sequence_count, {"value"}, 1},
};

constexpr Builtin kMappingMethods[] = {
    {"get", mapping_get, {"key", "default"}, 1},
    {"items", mapping_items},
    {"keys", mapping_keys},
    {"values", mapping_values},
    {"pop", mapping_pop, {"key", "default"}, 1},
    {"popitem", mapping_popitem},
    {"setdefault", mapping_setdefault, {"key", "default"}, 1},
    {.name = "update", .run = mapping_update, .variadic = true},
    {"copy", mapping_copy},
    {"clear", mapping_clear},
};

constexpr Builtin kLoopMethods[] = {
    {.name = "cycle", .run = loop_cycle, .variadic = true},
    {.name = "changed", .run = loop_changed, .variadic = true},
};

}  // namespace

std::span<const Builtin> list_methods() { return kListMethods; }
std::span<const Builtin> tuple_methods() { return kTupleMethods; }
std::span<const Builtin> mapping_methods() { return kMappingMethods; }
std::span<const Builtin> loop_methods() { return kLoopMethods; }

}  // namespace hearth::llm::jinja
