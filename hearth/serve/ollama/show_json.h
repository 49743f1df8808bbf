// POST /api/show: everything a stored model says about itself.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "hearth/formats/gguf.h"
#include "hearth/serve/output/message.h"
#include "hearth/store/model_texts.h"

namespace hearth::serve::ollama {

/// Metadata as JSON, without the name and the template; arrays of more than five elements become
/// empty unless `verbose`. general.parameter_count is added where the file has none.
Json model_info_json(const formats::Gguf& weights, bool verbose);

/// [{name, type, shape}], shapes as in the file.
Json tensors_json(const formats::Gguf& weights);

/// "temperature                    0.7", a line each.
std::string parameter_lines(const store::ModelParameters& parameters);

/// The Modelfile that makes the model again from its blobs, with a comment; the comment alone where
/// the language cannot express one of its texts.
std::string modelfile_text(const store::ModelTexts& texts, const store::StoredModel& model,
                           const store::BlobFolder& blobs);

/// The answer. `weights`, `projector`: null where the model has none.
Json show_json(const store::StoredModel& model, const store::ModelTexts& texts,
               const store::BlobFolder& blobs, const formats::Gguf* weights,
               const formats::Gguf* projector, bool verbose);

}  // namespace hearth::serve::ollama
