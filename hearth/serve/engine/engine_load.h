// What an engine is made from: the daemon decides it, the engine's process opens it.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hearth/serve/engine/engine.h"
#include "hearth/store/model_parameters.h"

namespace hearth::serve {

/// A LoRA adapter to load beside the model.
struct AdapterFile {
  std::string name;  // by which requests choose it
  std::string path;
  float scale = 1;
};

struct EngineLoad {
  std::string model;  // its short name, for messages
  std::string path;   // GGUF
  std::vector<AdapterFile> adapters;
  std::optional<std::string> template_text;  // instead of the file's own
  std::string system;                        // where a conversation brings none
  std::vector<Message> messages;             // in front of every conversation
  /// The model's own, those of loading (num_ctx, num_thread, …) included.
  store::ModelParameters parameters;
};

/// Called with what part of the loading is done, from 0 to 1.
using LoadProgress = std::function<void(double fraction)>;

/// Errors: not_found, corrupt_data, unsupported, resource_exhausted (it does not fit).
using OpenEngine =
    std::function<std::unique_ptr<Engine>(const EngineLoad& load, const LoadProgress& progress)>;

}  // namespace hearth::serve
