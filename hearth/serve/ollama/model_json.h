// What lists of models say about each.
#pragma once
#include <string>

#include "hearth/serve/output/message.h"
#include "hearth/serve/pool/model_service.h"
#include "hearth/store/model_config.h"
#include "hearth/store/model_store.h"

namespace hearth::serve::ollama {

/// parent_model, format, family, families, parameter_size, quantization_level.
Json details_json(const store::ModelConfig& config, const store::Manifest& manifest);

/// An entry of /api/tags.
Json tag_json(const store::StoredModel& model, const store::ModelConfig& config);

/// An entry of /api/ps; `details` as above.
Json loaded_json(const LoadedModel& model, Json details);

}  // namespace hearth::serve::ollama
