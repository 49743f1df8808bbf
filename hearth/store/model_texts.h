// The small layers of a stored model, read and typed.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "hearth/store/model_config.h"
#include "hearth/store/model_store.h"
#include "hearth/store/modelfile.h"

namespace hearth::store {

struct ModelTexts {
  ModelConfig config;
  std::optional<std::string> template_text;
  std::optional<std::string> system;
  ModelParameters parameters;
  std::vector<ModelMessage> messages;
  std::vector<std::string> licenses;
};

/// Reads config, template, system, parameters, messages and licences, holding each against its
/// digest. Errors: not_found (a blob is missing), corrupt_data naming file and field, io_failure,
/// resource_exhausted (a layer above 64 MiB).
ModelTexts read_texts(const ModelStore& store, const StoredModel& model);

/// The Modelfile that makes the model again from `from` (a path or a name).
Modelfile modelfile_of(const ModelTexts& texts, std::string from);

/// Reads the JSON list of a messages layer. Errors: corrupt_data naming the field.
std::vector<ModelMessage> parse_messages(std::string_view json, std::string_view where);
/// Errors: invalid_argument (a text is not UTF-8).
std::string print_messages(const std::vector<ModelMessage>& messages);

}  // namespace hearth::store
