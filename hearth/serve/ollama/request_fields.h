// The fields that several of Ollama's requests share.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "hearth/serve/api/json_fields.h"
#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/pool/model_service.h"

namespace hearth::serve::ollama {

/// What an empty prompt asks for.
enum class Purpose { answer, load, unload };

/// A request to a model before it is asked: everything of a body that is not the prompt.
struct AnswerCall {
  ModelCall call;  // `caller` and `closed` are the handler's to set
  AnswerRequest request;
  Purpose purpose = Purpose::answer;
  bool stream = true;
  std::vector<std::string> warnings;  // about what was ignored
};

/// "model", or "name" as older clients write. Errors: invalid_argument ("model is required").
std::string read_model_name(const Fields& body);

/// "stream"; true when absent.
bool read_stream(const Fields& body);

/// The known ones of the object `key`; of each other one `warnings` tells. Errors: invalid_argument
/// (`option "x" must be of type integer`).
store::ModelParameters read_options(const Fields& body, std::string_view key,
                                    std::vector<std::string>& warnings);

/// "json" or a JSON Schema. Errors: invalid_argument.
AnswerFormat read_format(const Fields& body);

/// true, false, or a level. Errors: invalid_argument.
std::optional<Thinking> read_think(const Fields& body);

/// Errors: invalid_argument where there are images: no model here can see.
void refuse_images(const Fields& object);

/// Everything that generate and chat share but the prompt and `purpose`.
AnswerCall read_answer_call(const Fields& body, const store::ModelParameters& defaults);

/// What an empty prompt asks for with this keep_alive.
Purpose purpose_of_nothing(const AnswerCall& call);

}  // namespace hearth::serve::ollama
