#include "hearth/serve/engine/loaded_adapters.h"

#include <fmt/ranges.h>

#include <cmath>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

void check_scale(std::string_view name, float scale) {
  if (!std::isfinite(scale))
    throw Error(Errc::invalid_argument, "adapter '{}': a scale of {} is no finite number", name,
                scale);
}

std::shared_ptr<const llm::LoraAdapter> load_file(const AdapterLoad& load,
                                                  const llm::Model& model) {
  try {
    return llm::LoraAdapter::load(formats::Gguf::open(load.path), model);
  } catch (const Error& error) {
    throw error.with_context(fmt::format("adapter '{}'", load.name));
  }
}

}  // namespace

LoadedAdapters::LoadedAdapters(std::span<const AdapterLoad> loads, const llm::Model& model) {
  for (const AdapterLoad& load : loads) {
    check_scale(load.name, load.scale);
    if (find(load.name))
      throw Error(Errc::invalid_argument, "adapter '{}': two adapters have this name", load.name);
    entries_.push_back({load.name, {load_file(load, model), load.scale}});
  }
}

const LoadedAdapters::Entry* LoadedAdapters::find(std::string_view name) const {
  for (const Entry& entry : entries_)
    if (entry.name == name) return &entry;
  return nullptr;
}

ChosenAdapter LoadedAdapters::choose(std::string_view name, float scale) const {
  check_scale(name, scale);
  if (name.empty() && entries_.empty()) return {};
  const Entry* entry = name.empty() ? &entries_.front() : find(name);
  if (!entry) {
    std::vector<std::string_view> names;
    for (const Entry& known : entries_) names.push_back(known.name);
    throw Error(Errc::invalid_argument, "adapter '{}' is not loaded with the model, which has {}",
                name, names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
  }
  if (scale == 0) return {};
  return {entry->use.adapter, entry->use.scale * scale};
}

size_t LoadedAdapters::bytes() const {
  size_t bytes = 0;
  for (const Entry& entry : entries_) bytes += entry.use.adapter->bytes();
  return bytes;
}

}  // namespace hearth::serve
