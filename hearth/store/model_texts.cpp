#include "hearth/store/model_texts.h"

#include <nlohmann/json.hpp>

#include "hearth/base/error.h"
#include "hearth/store/json_object.h"

namespace hearth::store {

ModelTexts read_texts(const ModelStore& store, const StoredModel& model) {
  const auto where = [&](const Layer& layer) { return store.blobs().path(layer.digest).string(); };
  ModelTexts texts;
  texts.config =
      parse_model_config(store.read(model.manifest.config), where(model.manifest.config));
  for (const Layer& layer : model.manifest.layers) {
    switch (layer.kind()) {
      // "prompt" is what Ollama wrote before it had templates with roles.
      case LayerKind::template_:
      case LayerKind::prompt:
        texts.template_text = store.read(layer);
        break;
      case LayerKind::system:
        texts.system = store.read(layer);
        break;
      case LayerKind::license:
        texts.licenses.push_back(store.read(layer));
        break;
      case LayerKind::params:
        texts.parameters = parse_parameters(store.read(layer), where(layer));
        break;
      case LayerKind::messages:
        texts.messages = parse_messages(store.read(layer), where(layer));
        break;
      case LayerKind::model:
      case LayerKind::projector:
      case LayerKind::adapter:
      case LayerKind::embed:
      case LayerKind::other:
        break;
    }
  }
  return texts;
}

Modelfile modelfile_of(const ModelTexts& texts, std::string from) {
  Modelfile file;
  file.from.push_back(std::move(from));
  file.parameters = texts.parameters;
  file.template_text = texts.template_text;
  file.system = texts.system;
  file.messages = texts.messages;
  file.licenses = texts.licenses;
  file.renderer = texts.config.renderer;
  file.parser = texts.config.parser;
  file.requires_version = texts.config.requires_version;
  return file;
}

std::vector<ModelMessage> parse_messages(std::string_view text, std::string_view where) {
  const nlohmann::json json = parse_json(text, where);
  if (!json.is_array()) throw Error(Errc::corrupt_data, "{}: not a list of messages", where);
  std::vector<ModelMessage> messages;
  for (size_t i = 0; i < json.size(); ++i) {
    const JsonObject object(json[i], fmt::format("{}: '[{}]'", where, i));
    messages.push_back({object.string("role"), object.try_string("content").value_or("")});
  }
  return messages;
}

std::string print_messages(const std::vector<ModelMessage>& messages) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ModelMessage& message : messages)
    list.push_back({{"role", message.role}, {"content", message.content}});
  return print_json(list);
}

}  // namespace hearth::store
