#include "hearth/serve/api/json_fields.h"

#include <array>
#include <cmath>
#include <utility>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

// Doubles hold every integer up to here.
constexpr double kExactMax = 9007199254740992.0;  // 2^53

// What a body may be, seen while it is parsed.
class JsonWatch {
 public:
  /// `depth` is that of the value that begins, or of what a key's value will have.
  void check(int depth, Json::parse_event_t event) {
    if (depth > kJsonDepthMax)
      throw Error(Errc::invalid_argument, "the request's JSON is nested deeper than {} levels",
                  kJsonDepthMax);
    if (event == Json::parse_event_t::object_start) keys_[depth + 1] = 0;
    if (event == Json::parse_event_t::key && ++keys_[depth] > kJsonKeysMax)
      throw Error(Errc::invalid_argument, "an object of the request has more than {} keys",
                  kJsonKeysMax);
  }

 private:
  std::array<int, kJsonDepthMax + 2> keys_{};  // of the object that is open at each depth
};

}  // namespace

Json parse_body(std::string_view body) {
  if (body.empty()) throw Error(Errc::invalid_argument, "missing request body");
  JsonWatch watch;
  try {
    return Json::parse(body.begin(), body.end(), [&](int depth, Json::parse_event_t event, Json&) {
      watch.check(depth, event);
      return true;
    });
  } catch (const Json::exception& e) {
    throw Error(Errc::invalid_argument, "{}", e.what());
  }
}

Fields::Fields(const Json& value, std::string where) : value_(&value), where_(std::move(where)) {
  if (!value.is_object())
    throw Error(Errc::invalid_argument, "{} must be an object",
                where_.empty() ? "the request body" : where_);
}

const Json* Fields::find(std::string_view key) const {
  const auto found = value_->find(key);
  return found == value_->end() || found->is_null() ? nullptr : &*found;
}

std::string Fields::path(std::string_view key) const {
  return where_.empty() ? std::string(key) : fmt::format("{}.{}", where_, key);
}

void Fields::wrong(std::string_view key, std::string_view problem) const {
  throw FieldError(path(key), problem);
}

std::optional<std::string> Fields::try_string(std::string_view key) const {
  const Json* field = find(key);
  if (!field) return {};
  if (!field->is_string()) wrong(key, "must be a string");
  return field->get<std::string>();
}

std::optional<bool> Fields::try_bool(std::string_view key) const {
  const Json* field = find(key);
  if (!field) return {};
  if (!field->is_boolean()) wrong(key, "must be true or false");
  return field->get<bool>();
}

std::optional<int64_t> Fields::try_integer(std::string_view key) const {
  const Json* field = find(key);
  if (!field) return {};
  if (field->is_number_unsigned() && field->get<uint64_t>() > uint64_t{INT64_MAX})
    wrong(key, "is too large");
  if (field->is_number_integer()) return field->get<int64_t>();
  if (!field->is_number_float()) wrong(key, "must be an integer");
  const double number = field->get<double>();
  if (std::trunc(number) != number || std::abs(number) > kExactMax)
    wrong(key, "must be an integer");
  return static_cast<int64_t>(number);
}

std::optional<double> Fields::try_number(std::string_view key) const {
  const Json* field = find(key);
  if (!field) return {};
  if (!field->is_number()) wrong(key, "must be a number");
  return field->get<double>();
}

std::optional<Fields> Fields::try_object(std::string_view key) const {
  const Json* field = find(key);
  if (!field) return {};
  return Fields(*field, path(key));
}

std::optional<std::vector<const Json*>> Fields::try_list(std::string_view key,
                                                         size_t count_max) const {
  const Json* field = find(key);
  if (!field) return {};
  if (!field->is_array()) wrong(key, "must be a list");
  if (field->size() > count_max)
    wrong(key, fmt::format("has {} elements, at most {} are taken", field->size(), count_max));
  std::vector<const Json*> elements;
  for (const Json& element : *field) elements.push_back(&element);
  return elements;
}

std::optional<std::vector<std::string>> Fields::try_strings(std::string_view key,
                                                            size_t count_max) const {
  const Json* field = find(key);
  if (!field) return {};
  if (field->is_string()) return std::vector{field->get<std::string>()};
  std::vector<std::string> texts;
  const auto elements = try_list(key, count_max);
  for (const Json* element : *elements) {
    if (!element->is_string()) wrong(fmt::format("{}[{}]", key, texts.size()), "must be a string");
    texts.push_back(element->get<std::string>());
  }
  return texts;
}

std::string Fields::string(std::string_view key) const {
  std::optional<std::string> text = try_string(key);
  if (!text || text->empty()) wrong(key, "is required");
  return *std::move(text);
}

}  // namespace hearth::serve
