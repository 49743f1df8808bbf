#include "hearth/serve/openai/embedding_json.h"

#include "hearth/serve/api/base64.h"
#include "hearth/serve/api/json_text.h"
#include "hearth/serve/openai/answer_call.h"
#include "hearth/serve/openai/limits.h"

namespace hearth::serve::openai {
namespace {

using Inputs = std::vector<std::variant<std::string, std::vector<int32_t>>>;

std::vector<int32_t> read_input_ids(const Json& list, const std::string& where) {
  if (list.empty()) throw FieldError(where, "must not be empty");
  return read_ids(list, where);
}

Inputs read_inputs(const Fields& body) {
  const Json* field = body.find("input");
  if (!field) body.wrong("input", "is required");
  if (field->is_string()) return {field->get<std::string>()};
  if (!field->is_array() || field->empty())
    body.wrong("input", "must be a text, or a list of texts or token ids that is not empty");
  if (field->front().is_number()) return {read_input_ids(*field, "input")};
  Inputs inputs;
  const auto items = body.try_list("input", kInputsMax);
  for (const Json* item : *items) {
    const std::string where = fmt::format("input[{}]", inputs.size());
    if (item->is_string())
      inputs.emplace_back(item->get<std::string>());
    else if (item->is_array())
      inputs.emplace_back(read_input_ids(*item, where));
    else
      throw FieldError(where, "must be a text or a list of token ids");
  }
  return inputs;
}

std::string vector_json(std::span<const float> vector, bool is_base64) {
  if (!is_base64) return vector_text(vector);
  check_finite(vector);
  return fmt::format("\"{}\"", encode_base64(vector));
}

}  // namespace

EmbeddingCall read_embedding_request(const Json& json) {
  const Fields body(json);
  EmbeddingCall call{.call = read_call(body), .request = {.inputs = read_inputs(body)}};
  const bool truncates = body.try_bool("truncate").value_or(false);
  call.request.overflow = truncates ? Overflow::truncate : Overflow::error;
  if (const auto dimensions = body.try_integer("dimensions")) {
    if (*dimensions < 1 || *dimensions > INT32_MAX) body.wrong("dimensions", "must be at least 1");
    call.request.dimensions = static_cast<int>(*dimensions);
  }
  const std::string format = body.try_string("encoding_format").value_or("float");
  if (format != "float" && format != "base64")
    body.wrong("encoding_format", "must be float or base64");
  call.is_base64 = format == "base64";
  return call;
}

std::string embeddings_text(const Embeddings& embeddings, const std::string& model,
                            bool is_base64) {
  // Vectors are written as text at once: as JSON values each number would take 16 bytes, and print
  // as the double that is nearest to it.
  std::string data;
  for (size_t i = 0; i < embeddings.vectors.size(); ++i)
    data += fmt::format(R"({}{{"object":"embedding","index":{},"embedding":{}}})",
                        i == 0 ? "" : ",", i, vector_json(embeddings.vectors[i], is_base64));
  return fmt::format(R"({{"object":"list","data":[{}],"model":{},)"
                     R"("usage":{{"prompt_tokens":{},"total_tokens":{}}}}})",
                     data, json_text(Json(model)), embeddings.prompt_tokens,
                     embeddings.prompt_tokens);
}

}  // namespace hearth::serve::openai
