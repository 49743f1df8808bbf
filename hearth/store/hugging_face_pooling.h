// How sentence-transformers makes one vector of a text's tokens, from the files of a model folder.
#pragma once
#include "hearth/store/hugging_face_config.h"

namespace hearth::store {

/// Sets `pooling` from FOLDER/modules.json and the configuration of its pooling module; a model
/// that scores pairs ranks. Stays empty where the folder does not say. A step that makes the
/// vector's length one is left to whoever asks for the vector. Errors, naming file and field:
/// unsupported (a way of pooling, or a module, that engines do not compute), not_found,
/// corrupt_data.
void read_pooling(const fs::path& folder, HuggingFaceConfig& config);

}  // namespace hearth::store
