#include "hearth/llm/tokenizer/gotemplate/function.h"

#include <algorithm>
#include <compare>
#include <optional>
#include <utility>

#include "hearth/llm/tokenizer/gotemplate/lookup.h"
#include "hearth/llm/tokenizer/gotemplate/printing.h"
#include "hearth/llm/tokenizer/jinja/strftime.h"

namespace hearth::llm::gotemplate {

const TemplateValue kNil;

namespace {

using List = TemplateValue::List;
using Dict = TemplateValue::Dict;

constexpr int64_t kDayS = 24 * 60 * 60;

template <class T>
const T* as(Value value) {
  return std::get_if<T>(&value->data);
}
bool is_nil(Value value) { return as<std::monostate>(value) != nullptr; }

Value truth(Rendering& r, bool b) { return r.keep(b); }

Value call_not(Rendering& r, Arguments args) { return truth(r, !is_true(args[0])); }

// Nothing for values of kinds that have no order among each other. What is absent compares as the
// zero value of the other: Ollama's structs have empty texts where our objects have no key.
std::optional<std::partial_ordering> compare(Rendering& r, Value a, Value b) {
  if (is_nil(a) && is_nil(b)) return std::partial_ordering::equivalent;
  const TemplateValue zeros[] = {{}, false, 0, 0.0, ""};
  if (is_nil(a) && b->data.index() < std::size(zeros))
    return compare(r, &zeros[b->data.index()], b);
  if (is_nil(b) && a->data.index() < std::size(zeros))
    return compare(r, a, &zeros[a->data.index()]);
  if (as<std::string>(a) && as<std::string>(b)) {
    r.rt.scan(std::min(as<std::string>(a)->size(), as<std::string>(b)->size()));
    return *as<std::string>(a) <=> *as<std::string>(b);
  }
  if (as<bool>(a) && as<bool>(b)) return *as<bool>(a) <=> *as<bool>(b);
  if (as<int64_t>(a) && as<int64_t>(b)) return *as<int64_t>(a) <=> *as<int64_t>(b);
  const auto number = [](Value v) -> std::optional<double> {
    if (as<double>(v)) return *as<double>(v);
    if (as<int64_t>(v)) return static_cast<double>(*as<int64_t>(v));
    return std::nullopt;
  };
  const std::optional<double> x = number(a), y = number(b);
  if (x && y) return *x <=> *y;
  return std::nullopt;
}

bool is_equal(Rendering& r, Value a, Value b) {
  const auto order = compare(r, a, b);
  if (order) return *order == 0;
  r.rt.fail("a {} cannot be compared with a {}", kind_name(a), kind_name(b));
}

Value call_eq(Rendering& r, Arguments args) {
  for (const Value other : args.subspan(1))
    if (is_equal(r, args[0], other)) return truth(r, true);
  return truth(r, false);
}
Value call_ne(Rendering& r, Arguments args) { return truth(r, !is_equal(r, args[0], args[1])); }

std::partial_ordering order(Rendering& r, Arguments args) {
  const auto found = compare(r, args[0], args[1]);
  if (!found || as<bool>(args[0]) || as<bool>(args[1]))
    r.rt.fail("a {} and a {} have no order", kind_name(args[0]), kind_name(args[1]));
  return *found;
}
Value call_lt(Rendering& r, Arguments args) { return truth(r, order(r, args) < 0); }
Value call_le(Rendering& r, Arguments args) { return truth(r, order(r, args) <= 0); }
Value call_gt(Rendering& r, Arguments args) { return truth(r, order(r, args) > 0); }
Value call_ge(Rendering& r, Arguments args) { return truth(r, order(r, args) >= 0); }

size_t size_of(Rendering& r, Value value) {
  if (const auto* text = as<std::string>(value)) return text->size();
  if (value.is_list()) return value.items().size();
  if (const auto* dict = as<Dict>(value)) return dict->size();
  if (is_nil(value)) return 0;
  r.rt.fail("len of a {}", kind_name(value));
}
Value call_len(Rendering& r, Arguments args) {
  return r.keep(static_cast<int64_t>(size_of(r, args[0])));
}

// 0 <= index < end.
size_t index_below(Rendering& r, Value index, size_t end) {
  const auto* number = as<int64_t>(index);
  if (!number) r.rt.fail("a {} as an index", kind_name(index));
  if (*number < 0 || static_cast<uint64_t>(*number) >= end)
    r.rt.fail("index {} is out of range: 0 to {}", *number, static_cast<int64_t>(end) - 1);
  return static_cast<size_t>(*number);
}

Value call_index(Rendering& r, Arguments args) {
  Value value = args[0];
  for (const Value index : args.subspan(1)) {
    if (value.is_list()) {
      value = &value.items()[index_below(r, index, value.items().size())];
    } else if (const auto* text = as<std::string>(value)) {
      const auto byte = static_cast<unsigned char>((*text)[index_below(r, index, text->size())]);
      value = r.keep(int64_t{byte});
    } else if (as<Dict>(value) && as<std::string>(index)) {
      value = find_key(r, *as<Dict>(value), *as<std::string>(index));
    } else {
      r.rt.fail("a {} cannot be indexed with a {}", kind_name(value), kind_name(index));
    }
  }
  return value;
}

Value call_slice(Rendering& r, Arguments args) {
  const size_t size = size_of(r, args[0]);
  const size_t first = args.size() > 1 ? index_below(r, args[1], size + 1) : 0;
  const size_t last = args.size() > 2 ? index_below(r, args[2], size + 1) : size;
  if (first > last) r.rt.fail("slice from {} to {}", first, last);
  if (const auto* text = as<std::string>(args[0]))
    return r.keep_text(text->substr(first, last - first));
  if (!args[0].is_list()) r.rt.fail("slice of a {}", kind_name(args[0]));
  return args[0].part(first, last);
}

// Sprint: a space between two operands when neither is a text.
Value call_print(Rendering& r, Arguments args) {
  std::string text;
  for (size_t i = 0; i < args.size(); ++i) {
    if (i > 0 && !as<std::string>(args[i - 1]) && !as<std::string>(args[i])) r.rt.append(text, " ");
    append_text(r, text, args[i]);
  }
  return r.keep_text(std::move(text));
}
Value call_println(Rendering& r, Arguments args) {
  std::string text;
  for (size_t i = 0; i < args.size(); ++i) {
    if (i > 0) r.rt.append(text, " ");
    append_text(r, text, args[i]);
  }
  r.rt.append(text, "\n");
  return r.keep_text(std::move(text));
}
Value call_printf(Rendering& r, Arguments args) {
  const auto* pattern = as<std::string>(args[0]);
  if (!pattern) r.rt.fail("printf with a {} for a pattern", kind_name(args[0]));
  return r.keep_text(format(r, *pattern, args.subspan(1)));
}

Value call_json(Rendering& r, Arguments args) {
  std::string text;
  append_json(r, text, args[0]);
  return r.keep_text(std::move(text));
}

// Ollama takes a format and does not look at it.
Value call_current_date(Rendering& r, Arguments) {
  return r.keep_text(jinja::format_time(r.rt.now_unix_s(), "%Y-%m-%d"));
}
Value call_yesterday(Rendering& r, Arguments) {
  return r.keep_text(jinja::format_time(r.rt.now_unix_s() - kDayS, "%Y-%m-%d"));
}

std::string_view type_script_name(std::string_view type) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"string", "string"},   {"number", "number"}, {"integer", "number"},
      {"boolean", "boolean"}, {"array", "any[]"},   {"object", "Record<string, any>"},
      {"null", "null"}};
  for (const auto& [known, name] : kNames)
    if (known == type) return name;
  return "any";
}

// Of a property of a JSON Schema: "string | null".
std::string type_script_type(Rendering& r, Value property) {
  const jinja::Runtime::Depth depth(r.rt);
  const auto* dict = as<Dict>(property);
  if (!dict) return "any";
  std::string text;
  const auto add = [&](std::string_view type) {
    if (!text.empty()) r.rt.append(text, " | ");
    r.rt.append(text, type);
  };
  const Value any_of = find_key(r, *dict, "anyOf"), type = find_key(r, *dict, "type");
  if (const auto* others = as<List>(any_of); others && !others->empty()) {
    for (const TemplateValue& other : *others) add(type_script_type(r, &other));
  } else if (const auto* name = as<std::string>(type)) {
    add(type_script_name(*name));
  } else if (const auto* names = as<List>(type)) {
    for (const TemplateValue& one : *names)
      add(as<std::string>(&one) ? type_script_name(*as<std::string>(&one)) : "any");
  }
  return text.empty() ? "any" : text;
}
Value call_type_script(Rendering& r, Arguments args) {
  return r.keep_text(type_script_type(r, args[0]));
}

// `and` and `or` are the interpreter's.
const Function kFunctions[] = {
    {"and", 1, kAnyNumber, nullptr, Function::Kind::and_},
    {"or", 1, kAnyNumber, nullptr, Function::Kind::or_},
    {"not", 1, 1, call_not},
    {"eq", 2, kAnyNumber, call_eq},
    {"ne", 2, 2, call_ne},
    {"lt", 2, 2, call_lt},
    {"le", 2, 2, call_le},
    {"gt", 2, 2, call_gt},
    {"ge", 2, 2, call_ge},
    {"len", 1, 1, call_len},
    {"index", 1, kAnyNumber, call_index},
    {"slice", 1, 3, call_slice},
    {"print", 0, kAnyNumber, call_print},
    {"printf", 1, kAnyNumber, call_printf},
    {"println", 0, kAnyNumber, call_println},
    {"json", 1, 1, call_json},
    {"currentDate", 0, kAnyNumber, call_current_date},
    {"yesterday", 0, kAnyNumber, call_yesterday},
    {"toTypeScriptType", 1, 1, call_type_script},
    // For pages of HTML and calls of Go's methods; no prompt needs them.
    {"html", 0, kAnyNumber, nullptr, Function::Kind::unsupported},
    {"js", 0, kAnyNumber, nullptr, Function::Kind::unsupported},
    {"urlquery", 0, kAnyNumber, nullptr, Function::Kind::unsupported},
    {"call", 0, kAnyNumber, nullptr, Function::Kind::unsupported},
};

}  // namespace

Value Rendering::keep(TemplateValue value) {
  rt.charge(sizeof(TemplateValue));
  return &made.emplace_back(std::move(value));
}

Value Rendering::keep_text(std::string text) {
  rt.scan(text.size());
  rt.charge(text.size());
  return keep(std::move(text));
}

const Function* find_function(std::string_view name) {
  for (const Function& function : kFunctions)
    if (function.name == name) return &function;
  return nullptr;
}

bool is_true(Value value) {
  if (const auto* b = as<bool>(value)) return *b;
  if (const auto* i = as<int64_t>(value)) return *i != 0;
  if (const auto* d = as<double>(value)) return *d != 0;
  if (const auto* s = as<std::string>(value)) return !s->empty();
  if (value.is_list()) return !value.items().empty();
  if (const auto* dict = as<Dict>(value)) return !dict->empty();
  return false;
}

std::string_view kind_name(Value value) {
  constexpr std::string_view kNames[] = {"nil",    "bool", "whole number", "number",
                                         "string", "list", "map"};
  return kNames[value->data.index()];
}

}  // namespace hearth::llm::gotemplate
