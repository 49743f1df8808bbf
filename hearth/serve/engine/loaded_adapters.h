// The LoRA adapters of a loaded model, by name.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/llm/models/lora.h"
#include "hearth/serve/engine/model_load.h"

namespace hearth::serve {

/// What an answer, or a vector, uses.
struct ChosenAdapter {
  std::shared_ptr<const llm::LoraAdapter> adapter;  // none: the model as it is
  float scale = 1;
};

class LoadedAdapters {
 public:
  LoadedAdapters() = default;
  /// Reads each file for `model`, which must outlive what is chosen here. Errors: those of
  /// llm::LoraAdapter::load() and of the files, naming the adapter; invalid_argument (two of one
  /// name, a scale that is no finite number).
  LoadedAdapters(std::span<const AdapterLoad> loads, const llm::Model& model);

  /// The adapter of that name, as much as it was loaded with times `scale`; the first where `name`
  /// is empty. At scale 0, or where none was loaded and none is named, the model as it is.
  /// Errors: invalid_argument (an unknown name, naming those there are; a scale that is no finite
  /// number).
  ChosenAdapter choose(std::string_view name, float scale) const;

  size_t bytes() const;

 private:
  struct Entry {
    std::string name;
    ChosenAdapter use;
  };
  const Entry* find(std::string_view name) const;

  std::vector<Entry> entries_;
};

}  // namespace hearth::serve
