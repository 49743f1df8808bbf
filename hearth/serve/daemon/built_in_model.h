// The model that comes with Hearth, in a store that has none yet: who starts a server for the first
// time can ask it something.
#pragma once
#include "hearth/base/files.h"
#include "hearth/store/model_store.h"

namespace hearth::serve {

/// Adds the GGUF file under its own name ("tales.gguf" becomes "tales:latest") to a store without
/// any model. True when it did. Errors: those of creating a model.
bool add_built_in_model(const store::ModelStore& store, const fs::path& file);

}  // namespace hearth::serve
