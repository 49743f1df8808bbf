// POST /api/create: its body, typed.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hearth/store/digest.h"
#include "hearth/store/model_name.h"
#include "hearth/store/modelfile.h"
#include "hearth/store/quantize_model.h"

namespace hearth::serve::ollama {

/// A file of the model: its name at the client, and the blob that holds it.
using NamedBlob = std::pair<std::string, store::Digest>;

struct CreateCall {
  store::ModelName name;
  std::string from;              // a model's name; empty: `files`
  std::vector<NamedBlob> files;  // relative paths
  std::vector<NamedBlob> adapters;
  store::Modelfile changes;  // without FROM and ADAPTER
  std::optional<store::QuantizeRecipe> quantize;
  bool stream = true;
  std::vector<std::string> warnings;  // about what was ignored
};

/// Errors: invalid_argument; unsupported (draft models).
CreateCall parse_create(std::string_view body);

/// `base` with `changes` made: texts replace, parameters replace those of their names, licences
/// are added.
store::Modelfile changed(store::Modelfile base, const store::Modelfile& changes);

}  // namespace hearth::serve::ollama
