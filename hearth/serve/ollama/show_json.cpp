#include "hearth/serve/ollama/show_json.h"

#include <fmt/ranges.h>

#include <type_traits>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/serve/api/json_text.h"
#include "hearth/serve/api/rfc3339.h"
#include "hearth/serve/engine/model_capabilities.h"
#include "hearth/serve/ollama/model_json.h"

namespace hearth::serve::ollama {
namespace {

using store::LayerKind;

constexpr size_t kShortArrayMax = 5;
constexpr std::string_view kTemplateKey = "tokenizer.chat_template";
Json array_json(const formats::GgufArray& array, bool verbose) {
  Json list = Json::array();
  if (array.size() > kShortArrayMax && !verbose) return list;
  const auto add_all = [&](const auto& items) {
    for (const auto& item : items) list.push_back(item);
  };
  if (const auto* flags = std::get_if<std::vector<bool>>(&array.items))
    for (size_t i = 0; i < flags->size(); ++i) list.push_back(bool{(*flags)[i]});
  else
    std::visit(
        [&](const auto& items) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(items)>, std::vector<bool>>)
            add_all(items);
        },
        array.items);
  return list;
}

Json value_json(const formats::GgufValue& value, bool verbose) {
  return std::visit(
      [&](const auto& item) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(item)>, formats::GgufArray>)
          return array_json(item, verbose);
        else
          return item;
      },
      value);
}

std::string own_template(const formats::Gguf& weights) {
  const formats::GgufValue* own = weights.find(kTemplateKey);
  const auto* text = own ? std::get_if<std::string>(own) : nullptr;
  return text ? *text : "";
}

Json messages_json(const std::vector<store::ModelMessage>& messages) {
  Json list = Json::array();
  for (const store::ModelMessage& message : messages)
    list.push_back({{"role", message.role}, {"content", message.content}});
  return list;
}

// What is loaded from the weights decides; where there are none, what was published.
std::vector<std::string> capability_names(const store::ModelTexts& texts,
                                          const formats::Gguf* weights) {
  if (!weights) return texts.config.capabilities;
  Capabilities can = capabilities_of(
      *weights, chosen_template(texts.template_text.value_or(""), own_template(*weights)));
  // Every decoder gives vectors, too, but clients take a model of this name for one without chat.
  if (can.completion) can.embedding = false;
  return can.names();
}

}  // namespace

Json model_info_json(const formats::Gguf& weights, bool verbose) {
  Json info = Json::object();
  for (const auto& [key, value] : weights.metadata())
    if (key != "general.name" && key != kTemplateKey) info[key] = value_json(value, verbose);
  if (!info.contains("general.parameter_count")) {
    uint64_t count = 0;
    for (const formats::GgufTensor& tensor : weights.tensors()) count += tensor.elems();
    info["general.parameter_count"] = count;
  }
  return info;
}

Json tensors_json(const formats::Gguf& weights) {
  Json list = Json::array();
  for (const formats::GgufTensor& tensor : weights.tensors())
    list.push_back({{"name", tensor.name},
                    {"type", formats::info(tensor.type).name},
                    {"shape", tensor.shape}});
  return list;
}

std::string parameter_lines(const store::ModelParameters& parameters) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : parameters)
    for (const std::string& text : store::parameter_texts(value)) {
      const bool is_text = std::holds_alternative<std::vector<std::string>>(value);
      lines.push_back(fmt::format("{:<30} {}", name, is_text ? json_text(Json(text)) : text));
    }
  return fmt::format("{}", fmt::join(lines, "\n"));
}

std::string modelfile_text(const store::ModelTexts& texts, const store::StoredModel& model,
                           const store::BlobFolder& blobs) {
  store::Modelfile file = store::modelfile_of(texts, "");
  file.from.clear();
  for (const store::Layer& layer : model.manifest.layers) {
    if (layer.kind() == LayerKind::model || layer.kind() == LayerKind::projector)
      file.from.push_back(blobs.path(layer.digest).string());
    if (layer.kind() == LayerKind::adapter)
      file.adapters.push_back(blobs.path(layer.digest).string());
  }
  const std::string comment = fmt::format(
      "# What makes {0}. To build on it, write instead:\n# FROM {0}\n\n", model.name.shown());
  try {
    return comment + store::print_modelfile(file);
  } catch (const Error& error) {
    return fmt::format("{}# {}\n", comment, error.what());
  }
}

Json show_json(const store::StoredModel& model, const store::ModelTexts& texts,
               const store::BlobFolder& blobs, const formats::Gguf* weights,
               const formats::Gguf* projector, bool verbose) {
  Json json = Json::object();
  const auto add_text = [&](const char* key, const std::string& text) {
    if (!text.empty()) json[key] = text;
  };
  add_text("license", fmt::format("{}", fmt::join(texts.licenses, "\n")));
  json["modelfile"] = modelfile_text(texts, model, blobs);
  add_text("parameters", parameter_lines(texts.parameters));
  json["template"] = texts.template_text.value_or(weights ? own_template(*weights) : "");
  add_text("system", texts.system.value_or(""));
  add_text("renderer", texts.config.renderer);
  add_text("parser", texts.config.parser);
  json["details"] = details_json(texts.config, model.manifest);
  if (!texts.messages.empty()) json["messages"] = messages_json(texts.messages);
  // Never null: integrations read its keys unasked.
  json["model_info"] = weights ? model_info_json(*weights, verbose) : Json::object();
  if (projector) json["projector_info"] = model_info_json(*projector, verbose);
  json["tensors"] = weights ? tensors_json(*weights) : Json::array();
  json["capabilities"] = capability_names(texts, weights);
  json["modified_at"] = rfc3339(model.modified);
  add_text("requires", texts.config.requires_version);
  return json;
}

}  // namespace hearth::serve::ollama
