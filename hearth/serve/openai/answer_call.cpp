#include "hearth/serve/openai/answer_call.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "hearth/serve/api/keep_alive.h"
#include "hearth/serve/openai/limits.h"

namespace hearth::serve::openai {
namespace {

using store::ParameterType;

struct OptionRow {
  std::string_view field;
  std::string_view option;  // Ollama's name
};

// Where two rows name one option, the later field wins.
constexpr OptionRow kOptions[] = {
    {"temperature", "temperature"},
    {"top_p", "top_p"},
    {"top_k", "top_k"},
    {"min_p", "min_p"},
    {"typical_p", "typical_p"},
    {"repetition_penalty", "repeat_penalty"},  // vLLM
    {"repeat_penalty", "repeat_penalty"},
    {"repeat_last_n", "repeat_last_n"},
    {"frequency_penalty", "frequency_penalty"},
    {"presence_penalty", "presence_penalty"},
    {"seed", "seed"},
    {"num_ctx", "num_ctx"},  // Ollama's users ask for it here: ollama #5902
    {"n_keep", "num_keep"},
    {"n_predict", "num_predict"},  // llama-server
    {"max_tokens", "num_predict"},
    {"max_output_tokens", "num_predict"},
    {"max_completion_tokens", "num_predict"},
};

// Fields that would change the answer and that we do not obey: better an error than an answer to
// another question. What only measures, caches or books (user, store, cache_prompt, …) is passed
// over.
constexpr std::string_view kRefused[] = {
    "functions",       "function_call",   "audio",          "mirostat",
    "dry_multiplier",  "xtc_probability", "min_tokens",     "ignore_eos",
    "prompt_logprobs", "guided_regex",    "best_of",        "guided_choice",
    "dynatemp_range",  "use_beam_search", "length_penalty", "conversation",
};

bool is_off(const Json& value) {
  return value == Json(false) || value == Json(0) || value == Json(0.0) || value == Json("") ||
         (value.is_array() && value.empty());
}

void check_refused(const Fields& body) {
  for (const std::string_view field : kRefused) {
    const Json* value = body.find(field);
    // 1 is what best_of and length_penalty are by default.
    const bool is_factor = field == "best_of" || field == "length_penalty";
    const bool is_harmless = value && (is_off(*value) || (is_factor && *value == Json(1)));
    if (value && !is_harmless) body.wrong(field, "is not supported");
  }
}

void read_option(const Fields& body, const OptionRow& row, store::ModelParameters& options) {
  std::optional<store::ParameterValue> value;
  if (store::parameter_type(row.option) == ParameterType::integer) {
    if (const auto integer = body.try_integer(row.field)) value = *integer;
  } else if (const auto number = body.try_number(row.field)) {
    value = *number;
  }
  if (!value) return;
  if (row.option == "num_predict" && std::get<int64_t>(*value) < 1 &&
      std::get<int64_t>(*value) != -1)
    body.wrong(row.field, "must be at least 1, or -1 for no limit");
  options[std::string(row.option)] = *std::move(value);
}

store::ModelParameters read_options(const Fields& body) {
  store::ModelParameters options;
  for (const OptionRow& row : kOptions) read_option(body, row, options);
  if (auto stop = body.try_strings("stop", kStopStringsMax)) {
    std::erase(*stop, "");  // an empty text would stand everywhere
    // None of its own: clients that always send the field must not take the model's away.
    if (!stop->empty()) options["stop"] = *std::move(stop);
  }
  return options;
}

int32_t read_id(const Fields& body, std::string_view text) {
  int32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 0)
    body.wrong("logit_bias", "must have token ids as its keys");
  return id;
}

// A number, or llama-server's `false`: never this token.
float read_bias(const Fields& body, const Json& value) {
  if (value == Json(false)) return -std::numeric_limits<float>::infinity();
  if (!value.is_number()) body.wrong("logit_bias", "must have numbers as its values");
  return value.get<float>();
}

// OpenAI: {"id": bias}; llama-server also: [[id, bias], …].
std::vector<std::pair<int32_t, float>> read_logit_bias(const Fields& body) {
  std::vector<std::pair<int32_t, float>> biases;
  const Json* field = body.find("logit_bias");
  if (!field) return biases;
  if (!field->is_object() && !field->is_array()) body.wrong("logit_bias", "must be an object");
  if (field->size() > kLogitBiasMax)
    body.wrong("logit_bias",
               fmt::format("has {} tokens, at most {} are taken", field->size(), kLogitBiasMax));
  for (const auto& [key, value] : field->items()) {
    if (field->is_object()) {
      biases.emplace_back(read_id(body, key), read_bias(body, value));
      continue;
    }
    if (!value.is_array() || value.size() != 2 || !value[0].is_number_integer())
      body.wrong("logit_bias", "must be a list of [token id, bias]");
    biases.emplace_back(read_id(body, value[0].dump()), read_bias(body, value[1]));
  }
  return biases;
}

// A name, or llama-server's list [{id, scale}] with one element; ours are names.
void read_adapter(const Fields& body, AnswerRequest& request) {
  const Json* field = body.find("lora");
  if (!field || (field->is_array() && field->empty())) return;
  if (field->is_string()) {
    request.adapter = field->get<std::string>();
    return;
  }
  if (field->is_array() && field->size() > 1)
    body.wrong("lora", "names several adapters, at most 1");
  const Fields adapter(field->is_array() ? field->front() : *field, body.path("lora"));
  request.adapter = adapter.string(adapter.has("id") ? "id" : "name");
  request.adapter_scale = static_cast<float>(adapter.try_number("scale").value_or(1));
}

int read_choices(const Fields& body) {
  int64_t choices = 1;
  for (const std::string_view key : {"n_cmpl", "n"}) {
    choices = body.try_integer(key).value_or(choices);
    if (choices < 1 || choices > kChoicesMax)
      body.wrong(key, fmt::format("must be from 1 to {}", kChoicesMax));
  }
  return static_cast<int>(choices);
}

}  // namespace

ModelCall read_call(const Fields& body) {
  ModelCall call;
  call.model = body.string("model");
  call.keep_alive = read_keep_alive(body);
  const Json* priority = body.find("priority");
  if (priority && priority->is_string()) {
    if (*priority != "interactive" && *priority != "batch")
      body.wrong("priority", "must be 'interactive', 'batch' or a number");
    if (*priority == "batch") call.priority = Priority::batch;
  } else if (body.try_integer("priority").value_or(0) > 0) {
    call.priority = Priority::batch;
  }
  if (body.try_string("service_tier") == "flex") call.priority = Priority::batch;
  return call;
}

AnswerCall read_answer_call(const Fields& body) {
  check_refused(body);
  AnswerCall answer;
  answer.call = read_call(body);
  answer.request.options = read_options(body);
  answer.call.options = answer.request.options;
  answer.request.defaults = {{"temperature", 1.0}, {"top_p", 1.0}};
  answer.request.logit_bias = read_logit_bias(body);
  answer.request.format = read_format(body);
  answer.request.shifts = false;
  read_adapter(body, answer.request);
  answer.choices = read_choices(body);
  answer.is_streamed = body.try_bool("stream").value_or(false);
  if (const auto options = body.try_object("stream_options"))
    answer.includes_usage = options->try_bool("include_usage").value_or(false);
  return answer;
}

std::optional<Thinking> read_effort(const Fields& fields, std::string_view key) {
  struct Row {
    std::string_view effort;
    Thinking level;
  };
  static constexpr Row kEfforts[] = {
      {"none", Thinking::off},      {"minimal", Thinking::low}, {"low", Thinking::low},
      {"medium", Thinking::medium}, {"high", Thinking::high},   {"xhigh", Thinking::max},
      {"ultra", Thinking::max},     {"max", Thinking::max},
  };
  const auto effort = fields.try_string(key);
  if (!effort) return std::nullopt;
  for (const Row& row : kEfforts)
    if (row.effort == *effort) return row.level;
  fields.wrong(key, "must be one of none, minimal, low, medium, high, xhigh, ultra, max");
}

std::vector<int32_t> read_ids(const Json& list, const std::string& where) {
  if (list.size() > kTokensMax)
    throw FieldError(where,
                     fmt::format("has {} tokens, at most {} are taken", list.size(), kTokensMax));
  std::vector<int32_t> ids;
  for (const Json& id : list) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > uint64_t{INT32_MAX})
      throw FieldError(fmt::format("{}[{}]", where, ids.size()), "must be a token id");
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

std::vector<AnswerRequest> spread_choices(const AnswerCall& call, int64_t fallback_seed) {
  std::vector<AnswerRequest> requests(call.choices, call.request);
  if (call.choices == 1) return requests;
  const auto found = call.request.options.find("seed");
  const int64_t given = found == call.request.options.end() ? -1 : std::get<int64_t>(found->second);
  const int64_t first = given < 0 ? fallback_seed : given;
  for (int i = 0; i < call.choices; ++i)
    requests[i].options["seed"] =
        static_cast<int64_t>((static_cast<uint64_t>(first) + i) & uint64_t{INT64_MAX});
  return requests;
}

}  // namespace hearth::serve::openai
