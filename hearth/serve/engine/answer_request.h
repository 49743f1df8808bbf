// What an engine is asked, typed: the handlers of every API translate to this, and the wire between
// daemon and engine carries it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "hearth/serve/output/message.h"
#include "hearth/serve/output/tool_choice.h"
#include "hearth/store/model_parameters.h"

namespace hearth::serve {

/// Whether, and how long, a model thinks before it answers.
enum class Thinking { off, on, low, medium, high, max };

/// "off", "on", "low", "medium", "high" or "max".
std::string_view name(Thinking level);
std::optional<Thinking> find_thinking(std::string_view name);

/// A conversation to answer with the model's template. The engine puts the model's own messages in
/// front, and its system text where the conversation brings none.
struct ChatPrompt {
  std::vector<Message> messages;
  std::vector<Tool> tools;
  ToolChoice tool_choice;
  /// Nothing: on where the model can, but off where the answer must keep a form.
  std::optional<Thinking> thinking;
  std::optional<std::string> template_text;  // instead of the model's
  Json template_arguments = Json::object();  // more globals of the template
  std::vector<int32_t> earlier_ids;          // put in front as they are (Ollama's `context`)
  bool continues_last = false;               // the last message is the assistant's, to go on with
};

/// A text to continue as it is, without a template.
struct TextPrompt {
  std::variant<std::string, std::vector<int32_t>> text;  // or its ids
  std::optional<std::string> suffix;  // what must follow: fill in the middle, for models that can
};

/// The form that an answer must keep; the sampler allows nothing else.
struct AnswerFormat {
  enum class Kind { free, json, schema, grammar };

  Kind kind = Kind::free;
  std::string text;  // schema: a JSON Schema as JSON; grammar: GBNF
};

enum class Overflow {
  error,     // a prompt longer than the context is refused
  truncate,  // the oldest turns are left out, which the end of the answer says
};

struct AnswerRequest {
  std::variant<ChatPrompt, TextPrompt> prompt;
  AnswerFormat format;
  /// By Ollama's names (store/model_parameters.h). `options` win over the model's own parameters,
  /// and those over `defaults`, which are the API's. Options of loading are not looked at here.
  store::ModelParameters options, defaults;
  std::vector<std::pair<int32_t, float>> logit_bias;
  int logprobs = -1;  // -1: none; n: the chosen token's and those of the n most likely, up to 20
  Overflow overflow = Overflow::truncate;
  bool shifts = true;      // a full context forgets its older half instead of ending the answer
  bool wants_ids = false;  // AnswerEnd::ids
  std::string adapter;  // LoRA by name, of those that the model was loaded with; empty: the first
  float adapter_scale = 1;  // 0: without any
};

/// Texts to turn into vectors.
struct EmbedRequest {
  std::vector<std::variant<std::string, std::vector<int32_t>>> inputs;  // texts, or their ids
  Overflow overflow = Overflow::truncate;  // an input longer than the context
  int dimensions = 0;                      // the first ones only; 0: all
  bool normalise = true;                   // to length 1, after `dimensions`
  std::string adapter;                     // as above
};

struct Embeddings {
  std::vector<std::vector<float>> vectors;  // [inputs][dimensions]
  int prompt_tokens = 0;
};

/// How well documents answer a query, for models that can.
struct RerankRequest {
  std::string query;
  std::vector<std::string> documents;
  Overflow overflow = Overflow::truncate;
};

struct Relevance {
  std::vector<float> scores;  // [documents], the model's own scale: higher is better
  int prompt_tokens = 0;
};

}  // namespace hearth::serve
