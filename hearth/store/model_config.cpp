#include "hearth/store/model_config.h"

#include <nlohmann/json.hpp>

#include "hearth/base/error.h"
#include "hearth/formats/gguf.h"
#include "hearth/store/json_object.h"
#include "hearth/store/quantize_recipe.h"

namespace hearth::store {
namespace {

struct TextField {
  std::string_view key;
  std::string ModelConfig::*text;
  bool is_always_there;
};

constexpr TextField kTextFields[] = {
    {"model_format", &ModelConfig::model_format, true},
    {"model_family", &ModelConfig::model_family, true},
    {"model_type", &ModelConfig::model_type, true},
    {"file_type", &ModelConfig::file_type, true},
    {"renderer", &ModelConfig::renderer, false},
    {"parser", &ModelConfig::parser, false},
    {"requires", &ModelConfig::requires_version, false},
};

struct ListField {
  std::string_view key;
  std::vector<std::string> ModelConfig::*items;
  bool is_always_there;
};

constexpr ListField kListFields[] = {
    {"model_families", &ModelConfig::model_families, true},
    {"capabilities", &ModelConfig::capabilities, false},
};

std::vector<std::string> strings(const JsonObject& object, std::string_view key) {
  std::vector<std::string> items;
  const nlohmann::json* field = object.find(key);
  if (!field) return items;
  const auto wrong = [&] {
    return Error(Errc::corrupt_data, "{}: '{}': not a list of strings", object.where(), key);
  };
  if (!field->is_array()) throw wrong();
  for (const nlohmann::json& item : *field) {
    if (!item.is_string()) throw wrong();
    items.push_back(item.get<std::string>());
  }
  return items;
}

uint64_t parameter_count(const formats::Gguf& file) {
  uint64_t count = 0;
  for (const formats::GgufTensor& tensor : file.tensors()) count += tensor.elems();
  return count;
}

std::string file_type_name(const formats::Gguf& file) {
  const auto type = file.try_u64("general.file_type");
  const QuantizeRecipe* found = nullptr;
  // A mix and a pure type may share a number; files in circulation are mixes.
  for (const QuantizeRecipe& recipe : quantize_recipes())
    if (type == recipe.file_type && (!found || recipe.is_mix)) found = &recipe;
  return found ? std::string(found->name) : std::string();
}

}  // namespace

ModelConfig parse_model_config(std::string_view text, std::string_view where) {
  const nlohmann::json json = parse_json(text, where);
  const JsonObject object(json, std::string(where));
  ModelConfig config;
  for (const TextField& field : kTextFields)
    config.*field.text = object.try_string(field.key).value_or("");
  for (const ListField& field : kListFields) config.*field.items = strings(object, field.key);
  config.source = text;
  return config;
}

std::string print_model_config(const ModelConfig& config, std::span<const Digest> layers) {
  nlohmann::ordered_json json = config.source.empty()
                                    ? nlohmann::ordered_json::object()
                                    : nlohmann::ordered_json::parse(config.source);
  const auto put = [&](std::string_view key, const auto& value, bool is_always_there) {
    if (is_always_there || !value.empty())
      json[std::string(key)] = value;
    else
      json.erase(std::string(key));
  };
  for (const TextField& field : kTextFields)
    put(field.key, config.*field.text, field.is_always_there);
  for (const ListField& field : kListFields)
    put(field.key, config.*field.items, field.is_always_there);
  nlohmann::ordered_json digests = nlohmann::ordered_json::array();
  for (const Digest& layer : layers) digests.push_back(layer.text());
  // Fixed words: registries ask for a platform, though a model runs on any.
  json["architecture"] = "amd64";
  json["os"] = "linux";
  json["rootfs"] = {{"type", "layers"}, {"diff_ids", std::move(digests)}};
  return print_json(json);
}

ModelConfig config_of(const formats::Gguf& file) {
  ModelConfig config;
  config.model_format = "gguf";
  config.model_family = file.string("general.architecture");
  config.model_families = {config.model_family};
  config.model_type = format_parameter_count(parameter_count(file));
  config.file_type = file_type_name(file);
  return config;
}

std::string format_parameter_count(uint64_t count) {
  const auto in = [&](double unit) { return static_cast<double>(count) / unit; };
  if (count >= 1'000'000'000) return fmt::format("{:.1f}B", in(1e9));
  if (count >= 1'000'000) return fmt::format("{:.2f}M", in(1e6));
  if (count >= 1'000) return fmt::format("{:.0f}K", in(1e3));
  return fmt::format("{}", count);
}

}  // namespace hearth::store
