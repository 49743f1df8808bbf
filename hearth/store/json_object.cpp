#include "hearth/store/json_object.h"

#include <nlohmann/json.hpp>

#include "hearth/base/error.h"

namespace hearth::store {
namespace {

constexpr size_t kFileBytesMax = size_t{256} << 20;  // the largest tokenizer.json seen has 34 MB
constexpr int kDepthMax = 64;

}  // namespace

nlohmann::json read_json(const fs::path& path) {
  return parse_json(read_file(path, kFileBytesMax), path.string());
}

nlohmann::json parse_json(std::string_view text, std::string_view where) {
  const auto check_depth = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > kDepthMax)
      throw Error(Errc::corrupt_data, "{}: nested deeper than {}", where, kDepthMax);
    return true;
  };
  try {
    return nlohmann::json::parse(text, check_depth);
  } catch (const nlohmann::json::exception& error) {
    throw Error(Errc::corrupt_data, "{}: {}", where, error.what());
  }
}

std::string print_json(const nlohmann::ordered_json& json) {
  try {
    return json.dump();
  } catch (const nlohmann::json::exception& error) {
    throw Error(Errc::invalid_argument, "cannot be written as JSON: {}", error.what());
  }
}

JsonObject::JsonObject(const nlohmann::json& value, std::string where)
    : value_(&value), where_(std::move(where)) {
  if (!value.is_object()) throw Error(Errc::corrupt_data, "{}: not a JSON object", where_);
}

void JsonObject::wrong(std::string_view key, std::string_view problem) const {
  throw Error(Errc::corrupt_data, "{}: '{}': {}", where_, key, problem);
}

const nlohmann::json* JsonObject::find(std::string_view key) const {
  const auto found = value_->find(key);
  return found == value_->end() || found->is_null() ? nullptr : &*found;
}

std::optional<uint64_t> JsonObject::try_u64(std::string_view key) const {
  const nlohmann::json* field = find(key);
  if (!field) return std::nullopt;
  if (!field->is_number_unsigned()) wrong(key, "not an integer of at least 0");
  return field->get<uint64_t>();
}

std::optional<double> JsonObject::try_f64(std::string_view key) const {
  const nlohmann::json* field = find(key);
  if (!field) return std::nullopt;
  if (!field->is_number()) wrong(key, "not a number");
  return field->get<double>();
}

std::optional<bool> JsonObject::try_bool(std::string_view key) const {
  const nlohmann::json* field = find(key);
  if (!field) return std::nullopt;
  if (!field->is_boolean()) wrong(key, "not true or false");
  return field->get<bool>();
}

std::optional<std::string> JsonObject::try_string(std::string_view key) const {
  const nlohmann::json* field = find(key);
  if (!field) return std::nullopt;
  if (!field->is_string()) wrong(key, "not a string");
  return field->get<std::string>();
}

std::optional<JsonObject> JsonObject::try_object(std::string_view key) const {
  const nlohmann::json* field = find(key);
  if (!field) return std::nullopt;
  return JsonObject(*field, fmt::format("{}: '{}'", where_, key));
}

std::optional<std::vector<float>> JsonObject::try_floats(std::string_view key) const {
  const nlohmann::json* field = find(key);
  if (!field) return std::nullopt;
  if (!field->is_array()) wrong(key, "not a list of numbers");
  std::vector<float> numbers;
  for (const nlohmann::json& item : *field) {
    if (!item.is_number()) wrong(key, "not a list of numbers");
    numbers.push_back(item.get<float>());
  }
  return numbers;
}

std::vector<uint64_t> JsonObject::ids(std::string_view key) const {
  const nlohmann::json* field = find(key);
  std::vector<uint64_t> out;
  const auto add = [&](const nlohmann::json& id) {
    if (id.is_number_unsigned()) out.push_back(id.get<uint64_t>());
  };
  if (field && field->is_array())
    for (const nlohmann::json& id : *field) add(id);
  else if (field)
    add(*field);
  return out;
}

uint64_t JsonObject::u64(std::string_view key) const {
  if (const auto value = try_u64(key)) return *value;
  wrong(key, "missing");
}

double JsonObject::f64(std::string_view key) const {
  if (const auto value = try_f64(key)) return *value;
  wrong(key, "missing");
}

std::string JsonObject::string(std::string_view key) const {
  if (auto value = try_string(key)) return *std::move(value);
  wrong(key, "missing");
}

JsonObject JsonObject::object(std::string_view key) const {
  if (auto value = try_object(key)) return *std::move(value);
  wrong(key, "missing");
}

}  // namespace hearth::store
