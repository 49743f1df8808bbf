#include "hearth/serve/ollama/model_json.h"

#include <utility>

#include "hearth/serve/api/rfc3339.h"

namespace hearth::serve::ollama {
namespace {

std::string parent_of(const store::Manifest& manifest) {
  const store::Layer* weights = manifest.find(store::LayerKind::model);
  return weights && !weights->from.empty() ? store::parse_model_name(weights->from).shown() : "";
}

}  // namespace

Json details_json(const store::ModelConfig& config, const store::Manifest& manifest) {
  return {{"parent_model", parent_of(manifest)}, {"format", config.model_format},
          {"family", config.model_family},       {"families", config.model_families},
          {"parameter_size", config.model_type}, {"quantization_level", config.file_type}};
}

Json tag_json(const store::StoredModel& model, const store::ModelConfig& config) {
  Json json = {{"name", model.name.shown()},
               {"model", model.name.shown()},
               {"modified_at", rfc3339(model.modified)},
               {"size", model.size_bytes},
               {"digest", model.digest.hex()},
               {"details", details_json(config, model.manifest)}};
  if (!config.capabilities.empty()) json["capabilities"] = config.capabilities;
  return json;
}

Json loaded_json(const LoadedModel& model, Json details) {
  return {{"name", model.name},
          {"model", model.name},
          {"size", model.facts.memory_bytes},
          {"digest", model.digest.hex()},
          {"details", std::move(details)},
          {"expires_at", rfc3339(model.expires)},
          {"size_vram", model.facts.device_bytes},
          {"context_length", model.facts.context}};
}

}  // namespace hearth::serve::ollama
