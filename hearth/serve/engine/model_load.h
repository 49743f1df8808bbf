// Which model to load, and how to run it: the daemon decides it, whoever runs the model does it.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "hearth/base/files.h"
#include "hearth/llm/kv_cache.h"
#include "hearth/serve/output/message.h"
#include "hearth/store/model_parameters.h"

namespace hearth::serve {

/// A LoRA adapter to load with a model.
struct AdapterLoad {
  std::string name;
  fs::path path;
  float scale = 1;  // times that of each request
};

/// A model of the store, and how to run it.
struct ModelLoad {
  fs::path path;                      // of the GGUF file
  std::vector<AdapterLoad> adapters;  // the first applies where a request names none
  std::string template_text;          // instead of the file's; empty: the file's
  std::string system;                 // where a conversation brings none
  std::vector<Message> messages;      // in front of every conversation
  store::ModelParameters parameters;  // those of loading, and those of answers
  int answers_max = 8;                // that run at once
  int queue_max = 64;                 // that wait; one more is Errc::unavailable
  llm::KvType kv_type = llm::KvType::f16;
};

/// Called with what part of the loading is done, from 0 to 1.
using LoadProgress = std::function<void(double fraction)>;

}  // namespace hearth::serve
