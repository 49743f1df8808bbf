// Values as text: Python's str() and repr(), JSON, and what HTML needs.
#pragma once
#include <string>
#include <string_view>

#include "hearth/llm/tokenizer/jinja/runtime.h"
#include "hearth/llm/tokenizer/jinja/value.h"

namespace hearth::llm::jinja {

/// str(value): a text is itself, an undefined value is empty, the rest as repr().
std::string_view to_text(Runtime& rt, const Value& value);
/// str(value) at the end of `out`.
void append_text(Runtime& rt, std::string& out, const Value& value);
/// repr(value) at the end of `out`.
void append_repr(Runtime& rt, std::string& out, const Value& value);
/// repr() of a float: the shortest digits that read back the same, "1.0", "1e+16", "inf", "nan".
std::string format_real(double value);

struct JsonStyle {
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  std::string indent;  // of one level; used when `is_indented`
  bool is_indented = false;
  bool sorts_keys = false;
  bool escapes_non_ascii = false;
};
/// As Python's json.dumps prints it: NaN and Infinity included. Generators are written as arrays.
/// Errors: invalid_argument for a value JSON has no form for.
std::string to_json(Runtime& rt, const Value& value, const JsonStyle& style);

/// `s` with & < > " ' as character references, as MarkupSafe writes them.
std::string_view escape_html(Runtime& rt, std::string_view s);

}  // namespace hearth::llm::jinja
