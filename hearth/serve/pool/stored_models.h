// From the name in a request to what an engine is made from.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "hearth/serve/pool/engine_spec.h"
#include "hearth/serve/pool/memory_need.h"
#include "hearth/store/model_store.h"

namespace hearth::serve {

struct SpecAndSizes {
  EngineSpec spec;
  ModelSizes sizes;
};

/// Finds models in a store. Reads the manifest each time, so that a model that was made anew is
/// seen, and the rest once per digest. Thread-safe.
class StoredModels {
 public:
  explicit StoredModels(store::ModelStore store) : store_(std::move(store)) {}

  /// `name` as a client wrote it: case and a missing tag do not matter, a digest's first digits
  /// will do. spec.load_options are those of the model. Errors: not_found (in Ollama's words),
  /// invalid_argument (no name), unsupported (a model without a GGUF file), and those of reading
  /// the model.
  std::shared_ptr<const SpecAndSizes> find(const std::string& name);

 private:
  std::shared_ptr<const SpecAndSizes> read(const store::StoredModel& model) const;

  store::ModelStore store_;
  std::mutex mutex_;
  // By digest and name; kKnownMax at most.
  std::map<std::pair<store::Digest, std::string>, std::shared_ptr<const SpecAndSizes>> known_;
};

}  // namespace hearth::serve
