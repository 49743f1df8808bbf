#include "hearth/serve/anthropic/messages_call.h"

#include <algorithm>

#include "hearth/serve/anthropic/conversation.h"
#include "hearth/serve/anthropic/limits.h"
#include "hearth/serve/anthropic/tools.h"

namespace hearth::serve::anthropic {
namespace {

struct BudgetRow {
  int64_t tokens_max;
  Thinking level;
};

constexpr BudgetRow kBudgets[] = {
    {4096, Thinking::low}, {16384, Thinking::medium}, {32768, Thinking::high}};

struct EffortRow {
  std::string_view effort;
  Thinking level;
};

constexpr EffortRow kEfforts[] = {{"low", Thinking::low},
                                  {"medium", Thinking::medium},
                                  {"high", Thinking::high},
                                  {"xhigh", Thinking::max},
                                  {"max", Thinking::max}};

std::optional<Thinking> read_effort(const Fields& body) {
  const auto config = body.try_object("output_config");
  const auto effort = config ? config->try_string("effort") : std::nullopt;
  if (!effort) return std::nullopt;
  for (const EffortRow& row : kEfforts)
    if (row.effort == *effort) return row.level;
  config->wrong("effort", "must be low, medium, high, xhigh or max");
}

Thinking level_of_budget(int64_t tokens) {
  for (const BudgetRow& row : kBudgets)
    if (tokens <= row.tokens_max) return row.level;
  return Thinking::max;
}

void set_integer(const Fields& body, std::string_view key, int64_t low, std::string_view option,
                 store::ModelParameters& options) {
  const auto value = body.try_integer(key);
  if (!value) return;
  if (*value < low || *value > kTokensMax)
    body.wrong(key, fmt::format("must be between {} and {}", low, kTokensMax));
  options.insert_or_assign(std::string(option), *value);
}

void set_number(const Fields& body, std::string_view key, double high,
                store::ModelParameters& options) {
  const auto value = body.try_number(key);
  if (!value) return;
  if (!(*value >= 0 && *value <= high))
    body.wrong(key, fmt::format("must be between 0 and {}", high));
  options.insert_or_assign(std::string(key), *value);
}

store::ModelParameters read_options(const Fields& body, Endpoint endpoint) {
  store::ModelParameters options;
  if (endpoint == Endpoint::messages && !body.has("max_tokens"))
    body.wrong("max_tokens", "is required");
  set_integer(body, "max_tokens", 1, "num_predict", options);
  set_integer(body, "top_k", 0, "top_k", options);
  set_number(body, "temperature", 2, options);  // Anthropic: up to 1; our models take more
  set_number(body, "top_p", 1, options);
  body.try_list("stop_sequences", kStopSequencesMax);  // for its errors: a lone text is none here
  auto stops = body.try_strings("stop_sequences", kStopSequencesMax);
  if (!stops) return options;
  if (std::count(stops->begin(), stops->end(), ""))
    body.wrong("stop_sequences", "must not hold an empty text");
  if (!stops->empty()) options.insert_or_assign("stop", *std::move(stops));
  return options;
}

// `output_config.format`, or `output_format` as it was called at first.
AnswerFormat read_format(const Fields& body) {
  const auto config = body.try_object("output_config");
  auto format = config ? config->try_object("format") : std::nullopt;
  if (!format) format = body.try_object("output_format");
  if (!format) return {};
  if (format->string("type") != "json_schema") format->wrong("type", "must be json_schema");
  const auto* schema = format->find("schema");
  if (!schema || !schema->is_object()) format->wrong("schema", "must be an object");
  std::string text = schema->dump();
  if (text.size() > kSchemaBytesMax)
    format->wrong("schema",
                  fmt::format("has {} bytes, at most {} are taken", text.size(), kSchemaBytesMax));
  return {.kind = AnswerFormat::Kind::schema, .text = std::move(text)};
}

ChatPrompt read_prompt(const Fields& body) {
  ChatPrompt prompt;
  prompt.messages = read_conversation(body);
  prompt.tools = read_tools(body);
  prompt.tool_choice = read_tool_choice(body, prompt.tools);
  prompt.thinking = read_thinking(body);
  prompt.continues_last = prompt.messages.back().role == Role::assistant;
  return prompt;
}

}  // namespace

Thinking read_thinking(const Fields& body) {
  const std::optional<Thinking> effort = read_effort(body);
  const auto fields = body.try_object("thinking");
  if (!fields) return Thinking::off;
  const std::string type = fields->string("type");
  if (type == "disabled") return Thinking::off;
  if (type != "enabled" && type != "adaptive")
    fields->wrong("type", "must be enabled, adaptive or disabled");
  const auto budget = fields->try_integer("budget_tokens");
  if (!budget) return effort.value_or(Thinking::on);
  if (*budget < 1) fields->wrong("budget_tokens", "must be at least 1");
  return level_of_budget(*budget);
}

MessagesCall read_messages_call(const Fields& body, Endpoint endpoint) {
  MessagesCall call;
  call.call.model = body.string("model");
  call.request.options = read_options(body, endpoint);
  call.request.defaults = {{"temperature", 1.0}, {"top_p", 1.0}};
  call.request.prompt = read_prompt(body);
  call.request.format = read_format(body);
  call.request.overflow = Overflow::error;
  call.request.shifts = false;
  call.call.options = call.request.options;
  call.is_streamed = body.try_bool("stream").value_or(false);
  return call;
}

}  // namespace hearth::serve::anthropic
