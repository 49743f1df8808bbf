#include "hearth/store/model_parameters.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "hearth/base/error.h"
#include "hearth/formats/printable.h"
#include "hearth/store/json_object.h"

namespace hearth::store {
namespace {

struct ParameterRow {
  std::string_view name;
  ParameterType type;
};

// Ollama, api/types.go: Options and Runner.
constexpr ParameterRow kParameters[] = {
    {"draft_num_predict", ParameterType::integer},
    {"frequency_penalty", ParameterType::number},
    {"main_gpu", ParameterType::integer},
    {"min_p", ParameterType::number},
    {"num_batch", ParameterType::integer},
    {"num_ctx", ParameterType::integer},
    {"num_gpu", ParameterType::integer},
    {"num_keep", ParameterType::integer},
    {"num_predict", ParameterType::integer},
    {"num_thread", ParameterType::integer},
    {"presence_penalty", ParameterType::number},
    {"repeat_last_n", ParameterType::integer},
    {"repeat_penalty", ParameterType::number},
    {"seed", ParameterType::integer},
    {"stop", ParameterType::strings},
    {"temperature", ParameterType::number},
    {"top_k", ParameterType::integer},
    {"top_p", ParameterType::number},
    {"typical_p", ParameterType::number},
    {"use_mmap", ParameterType::boolean},
};

// Ollama, parser/parser.go; numa and tfs_z went before that list was made.
constexpr std::string_view kRetired[] = {
    "f16_kv", "logits_all",       "low_vram", "mirostat",  "mirostat_eta", "mirostat_tau",
    "numa",   "penalize_newline", "tfs_z",    "use_mlock", "vocab_only"};

[[noreturn]] void throw_type(std::string_view name, std::string_view text, std::string_view type) {
  throw Error(Errc::invalid_argument, "parameter {}: '{}' is not {}", name,
              formats::printable(text), type);
}

// What Go's ParseBool takes.
bool parse_bool(std::string_view name, std::string_view text) {
  for (const std::string_view yes : {"true", "True", "TRUE", "t", "T", "1"})
    if (text == yes) return true;
  for (const std::string_view no : {"false", "False", "FALSE", "f", "F", "0"})
    if (text == no) return false;
  throw_type(name, text, "true or false");
}

template <class Number>
Number parse_number(std::string_view name, std::string_view text, std::string_view type) {
  std::string_view digits = text;
  if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
  Number number{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.empty())
    throw_type(name, text, type);
  return number;
}

double parse_finite(std::string_view name, std::string_view text) {
  const double number = parse_number<double>(name, text, "a number");
  if (!std::isfinite(number)) throw_type(name, text, "a finite number");
  return number;
}

ParameterValue value_of(ParameterType type, const nlohmann::json& json, bool& is_right) {
  is_right = true;
  switch (type) {
    case ParameterType::boolean:
      if (json.is_boolean()) return json.get<bool>();
      break;
    case ParameterType::integer:
      if (json.is_number_integer() &&
          !(json.is_number_unsigned() &&
            json.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}))
        return json.get<int64_t>();
      // Clients in JavaScript and Go write whole numbers as 4096.0 or 4.096e3; above 2^53 a double
      // does not say which integer was meant.
      if (json.is_number_float() && std::abs(json.get<double>()) <= 0x1p53 &&
          std::trunc(json.get<double>()) == json.get<double>())
        return static_cast<int64_t>(json.get<double>());
      break;
    case ParameterType::number:
      if (json.is_number()) return json.get<double>();
      break;
    case ParameterType::strings:
      if (json.is_string()) return std::vector<std::string>{json.get<std::string>()};
      if (json.is_array() &&
          std::all_of(json.begin(), json.end(), [](const auto& item) { return item.is_string(); }))
        return json.get<std::vector<std::string>>();
  }
  is_right = false;
  return {};
}

}  // namespace

std::optional<ParameterType> parameter_type(std::string_view name) {
  for (const ParameterRow& row : kParameters)
    if (row.name == name) return row.type;
  return std::nullopt;
}

bool is_retired_parameter(std::string_view name) {
  return std::find(std::begin(kRetired), std::end(kRetired), name) != std::end(kRetired);
}

void set_parameter(ModelParameters& parameters, std::string_view name, std::string_view text) {
  const auto type = parameter_type(name);
  if (!type)
    throw Error(Errc::invalid_argument, "unknown parameter '{}'", formats::printable(name));
  // Parsed before the name is added: a wrong text must not leave a value behind.
  const std::string key(name);
  switch (*type) {
    case ParameterType::boolean: {
      const bool value = parse_bool(name, text);
      parameters[key] = value;
      break;
    }
    case ParameterType::integer: {
      const int64_t value = parse_number<int64_t>(name, text, "an integer of 64 bits");
      parameters[key] = value;
      break;
    }
    case ParameterType::number: {
      const double value = parse_finite(name, text);
      parameters[key] = value;
      break;
    }
    case ParameterType::strings: {
      ParameterValue& value = parameters[key];
      if (!std::holds_alternative<std::vector<std::string>>(value))
        value = std::vector<std::string>();
      std::get<std::vector<std::string>>(value).emplace_back(text);
    }
  }
}

std::vector<std::string> parameter_texts(const ParameterValue& value) {
  if (const auto* items = std::get_if<std::vector<std::string>>(&value)) return *items;
  if (const auto* number = std::get_if<double>(&value)) return {fmt::format("{}", *number)};
  if (const auto* integer = std::get_if<int64_t>(&value)) return {fmt::format("{}", *integer)};
  return {std::get<bool>(value) ? "true" : "false"};
}

ModelParameters parse_parameters(std::string_view text, std::string_view where) {
  const nlohmann::json json = parse_json(text, where);
  const JsonObject object(json, std::string(where));
  ModelParameters parameters;
  for (const ParameterRow& row : kParameters) {
    const nlohmann::json* field = object.find(row.name);
    if (!field) continue;
    bool is_right = false;
    ParameterValue value = value_of(row.type, *field, is_right);
    if (!is_right)
      throw Error(Errc::corrupt_data, "{}: '{}': {} is not of its type", where, row.name,
                  field->type_name());
    parameters[std::string(row.name)] = std::move(value);
  }
  return parameters;
}

std::string print_parameters(const ModelParameters& parameters) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const auto& [name, value] : parameters)
    std::visit([&, &key = name](const auto& item) { json[key] = item; }, value);
  return print_json(json);
}

}  // namespace hearth::store
