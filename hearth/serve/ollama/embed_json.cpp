#include "hearth/serve/ollama/embed_json.h"

#include <utility>

#include "hearth/serve/api/json_text.h"
#include "hearth/serve/api/keep_alive.h"
#include "hearth/serve/ollama/limits.h"

namespace hearth::serve::ollama {
namespace {

constexpr int64_t kDimensionsMax = 1 << 20;

EmbedCall read_call(const Fields& body) {
  EmbedCall call;
  call.call.model = body.string("model");
  call.call.keep_alive = read_keep_alive(body);
  call.call.options = read_options(body, "options", call.warnings);
  if (!body.try_bool("truncate").value_or(true)) call.request.overflow = Overflow::error;
  return call;
}

void read_input(const Fields& body, EmbedRequest& request) {
  const Json* input = body.find("input");
  if (!input) return;
  if (input->is_string()) {
    if (*input != "") request.inputs.emplace_back(input->get<std::string>());
    return;
  }
  if (!input->is_array()) throw Error(Errc::invalid_argument, "invalid input type");
  const auto texts = body.try_list("input", kInputsMax);
  for (const Json* text : *texts) {
    if (!text->is_string()) throw Error(Errc::invalid_argument, "invalid input type");
    request.inputs.emplace_back(text->get<std::string>());
  }
}

}  // namespace

EmbedCall parse_embed(std::string_view text) {
  const Json json = parse_body(text);
  const Fields body(json);
  EmbedCall call = read_call(body);
  read_input(body, call.request);
  const int64_t dimensions = body.try_integer("dimensions").value_or(0);
  if (dimensions < 0 || dimensions > kDimensionsMax)
    body.wrong("dimensions", fmt::format("must be between 0 and {}", kDimensionsMax));
  call.request.dimensions = static_cast<int>(dimensions);
  return call;
}

EmbedCall parse_embeddings(std::string_view text) {
  const Json json = parse_body(text);
  const Fields body(json);
  EmbedCall call = read_call(body);
  if (std::string prompt = body.try_string("prompt").value_or(""); !prompt.empty())
    call.request.inputs.emplace_back(std::move(prompt));
  call.request.normalise = false;
  return call;
}

std::string embed_answer(const std::string& model, const Embeddings& embeddings,
                         const AnswerTimes& times) {
  std::string vectors;
  for (const std::vector<float>& vector : embeddings.vectors)
    vectors += (vectors.empty() ? "" : ",") + vector_text(vector);
  std::string out =
      fmt::format(R"({{"model":{},"embeddings":[{}])", json_text(Json(model)), vectors);
  const auto add = [&](std::string_view key, int64_t value) {
    if (value != 0) out += fmt::format(R"(,"{}":{})", key, value);
  };
  add("total_duration", times.total.count());
  add("load_duration", times.load.count());
  add("prompt_eval_count", embeddings.prompt_tokens);
  return out + "}";
}

std::string embeddings_answer(const Embeddings& embeddings) {
  return fmt::format(R"({{"embedding":{}}})",
                     embeddings.vectors.empty() ? "[]" : vector_text(embeddings.vectors.front()));
}

}  // namespace hearth::serve::ollama
