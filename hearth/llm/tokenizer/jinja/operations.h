// What Python's operators do with template values.
//
// Every function reports a type error as invalid_argument at the runtime's position, and pays for
// its work.
#pragma once
#include <compare>
#include <optional>
#include <string_view>
#include <vector>

#include "hearth/llm/tokenizer/jinja/runtime.h"
#include "hearth/llm/tokenizer/jinja/value.h"

namespace hearth::llm::jinja {

/// How a sequence compares and joins: as its kind, the groups of groupby as tuples.
SequenceKind comparable_kind(const Value& sequence);
bool is_list_or_tuple(const Value& value);
/// Python's name of the type: "str", "NoneType" …
std::string_view type_name(const Value& value);
/// Using an undefined value where it is not allowed.
[[noreturn]] void fail_undefined(const Runtime& rt, const Value& value);

bool is_true(const Value& value);
bool is_equal(Runtime& rt, const Value& a, const Value& b);
/// Numbers with numbers, texts with texts, lists with lists. unordered: a NaN.
std::partial_ordering compare(Runtime& rt, const Value& a, const Value& b, std::string_view symbol);
/// `item in container`
bool contains(Runtime& rt, const Value& container, const Value& item);

enum class Operator : uint8_t { add, subtract, multiply, divide, floor_divide, modulo, power };
Value calculate(Runtime& rt, Operator op, const Value& a, const Value& b);
Value negate(Runtime& rt, const Value& value);

/// object.name: a method or attribute, else an item; undefined when there is neither.
Value get_attribute(Runtime& rt, const Value& object, std::string_view name);
/// object[index]: an item, else (for a text) a method or attribute; undefined when there is
/// neither.
Value get_item(Runtime& rt, const Value& object, const Value& index);
/// object[start:stop:step]; None: left out.
Value get_slice(Runtime& rt, const Value& object, const Value& start, const Value& stop,
                const Value& step);

/// The items in order: characters, elements or keys; nothing for an undefined value. Uses a
/// generator up.
std::vector<Value> iterate(Runtime& rt, const Value& value);
bool is_iterable(const Value& value);
/// len(value)
int64_t measure(Runtime& rt, const Value& value);

/// The entry of `key`; null when absent.
const Value* find(Runtime& rt, const Mapping& mapping, const Value& key);
/// Adds or replaces.
void put(Runtime& rt, Mapping& mapping, const Value& key, const Value& value);
/// An index or count argument: an int, else a type error.
int64_t to_index(Runtime& rt, const Value& value);

}  // namespace hearth::llm::jinja
