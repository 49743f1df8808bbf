// What an engine is to be made from, and who makes it.
#pragma once
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "hearth/serve/engine/engine.h"
#include "hearth/store/model_texts.h"

namespace hearth::serve {

struct AdapterLayer {
  std::string name;  // by which requests choose it
  fs::path file;     // GGUF
};

/// Equal for what one engine serves: model and load options.
std::string engine_key(const store::Digest& digest, const store::ModelParameters& load_options);

struct EngineSpec {
  std::string model;                   // short name, as listed
  store::Digest digest;                // of the model's manifest
  fs::path model_file;                 // GGUF
  std::vector<AdapterLayer> adapters;  // LoRA
  store::ModelTexts texts;             // template, system, parameters, messages
  /// num_ctx, num_thread, …: the request's over the model's own over the daemon's.
  store::ModelParameters load_options;
  /// Trips when the engine is not wanted any more (shutting down, or loading takes too long): give
  /// up soon. Clients that leave do not trip it: they come back, and find the model loaded.
  std::stop_token cancelled;

  std::string key() const { return engine_key(digest, load_options); }
};

/// Loads; called on a thread of its own, which may wait, and on several at once. Errors: those of
/// loading a model; unavailable when the engine died meanwhile, after which it is tried again with
/// a pause.
using EngineFactory = std::function<std::unique_ptr<Engine>(const EngineSpec&)>;

/// True for the options that only loading looks at.
bool is_load_option(std::string_view name);

/// The load options among `over`, and those among `under` that it does not set.
store::ModelParameters merge_load_options(const store::ModelParameters& over,
                                          const store::ModelParameters& under);

}  // namespace hearth::serve
