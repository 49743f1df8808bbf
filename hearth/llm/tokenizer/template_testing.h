// What the tests of template languages share: values out of stored JSON, and how a rendering ended.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/chat_template.h"

namespace hearth::llm {

using Json = nlohmann::ordered_json;

/// NOW_UNIX_S of make_expected.py, nowUnixS of make_go_expected.go.
inline constexpr int64_t kNow = 1753963200;

inline TemplateValue to_value(const Json& json) {
  if (json.is_null()) return {};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) {
    TemplateValue::List list;
    for (const Json& item : json) list.push_back(to_value(item));
    return list;
  }
  TemplateValue::Dict dict;
  for (const auto& [key, value] : json.items()) dict.emplace_back(key, to_value(value));
  return dict;
}

inline TemplateValue::Dict to_dict(const Json& json) {
  return std::get<TemplateValue::Dict>(to_value(json).data);
}
inline TemplateValue::List to_list(const Json& json) {
  return std::get<TemplateValue::List>(to_value(json).data);
}

struct Outcome {
  std::string text;
  std::optional<Error> error;
  bool parsed = false;
};

/// Parses `source` as a Template and gives it to `render`.
template <class Template, class Render>
Outcome run_template(const std::string& source, Render&& render) {
  Outcome outcome;
  try {
    const Template parsed(source);
    outcome.parsed = true;
    outcome.text = render(parsed);
  } catch (const Error& error) {
    outcome.error = error;
  }
  return outcome;
}

}  // namespace hearth::llm
