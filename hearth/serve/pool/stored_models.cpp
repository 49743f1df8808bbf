#include "hearth/serve/pool/stored_models.h"

#include <utility>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

constexpr size_t kKnownMax = 256;

// Ollama, server/sched.go and routes.go: clients look for these words.
[[noreturn]] void throw_not_found(const std::string& name) {
  throw Error(Errc::not_found, "model \"{}\" not found, try pulling it first", name);
}

store::StoredModel find_stored(const store::ModelStore& store, const std::string& name) {
  if (name.empty()) throw Error(Errc::invalid_argument, "model is required");
  try {
    return store.find(name);
  } catch (const Error& error) {
    if (error.code() == Errc::not_found) throw_not_found(name);
    throw;
  }
}

fs::path checked_path(const store::ModelStore& store, const store::Layer& layer,
                      const std::string& model) {
  const std::optional<uint64_t> size = store.blobs().try_size(layer.digest);
  if (!size || *size != layer.size_bytes)
    throw Error(Errc::corrupt_data, "model \"{}\": its file {} {}", model, layer.digest.text(),
                size ? "is not whole" : "is missing");
  return store.blobs().path(layer.digest);
}

}  // namespace

std::shared_ptr<const SpecAndSizes> StoredModels::find(const std::string& name) {
  const store::StoredModel model = find_stored(store_, name);
  const std::pair key{model.digest, model.name.shown()};  // copies of a model share the digest
  {
    std::lock_guard lock(mutex_);
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
  }
  std::shared_ptr<const SpecAndSizes> read_now = read(model);
  std::lock_guard lock(mutex_);
  if (known_.size() >= kKnownMax) known_.clear();
  return known_[key] = std::move(read_now);
}

std::shared_ptr<const SpecAndSizes> StoredModels::read(const store::StoredModel& model) const {
  const std::string name = model.name.shown();
  const store::Layer* weights = model.manifest.find(store::LayerKind::model);
  if (!weights) throw Error(Errc::unsupported, "model \"{}\" has no GGUF file", name);
  auto found = std::make_shared<SpecAndSizes>();
  found->spec = {.model = name,
                 .digest = model.digest,
                 .model_file = checked_path(store_, *weights, name),
                 .texts = store::read_texts(store_, model)};
  uint64_t adapter_bytes = 0;
  for (const store::Layer& layer : model.manifest.layers) {
    if (layer.kind() != store::LayerKind::adapter) continue;
    const std::string adapter = layer.name.empty() ? layer.digest.hex().substr(0, 12) : layer.name;
    found->spec.adapters.push_back({adapter, checked_path(store_, layer, name)});
    adapter_bytes += 2 * layer.size_bytes;  // engines hold in f32 what files have in f16
  }
  found->spec.load_options = merge_load_options(found->spec.texts.parameters, {});
  found->sizes = read_sizes(found->spec.model_file, adapter_bytes);
  return found;
}

}  // namespace hearth::serve
