#include "hearth/serve/openai/answer_call.h"

#include <gtest/gtest.h>

#include <limits>

#include "hearth/serve/openai/limits.h"
#include "hearth/serve/openai/server_with_fakes_for_test.h"

namespace hearth::serve::openai {
namespace {

using namespace std::chrono_literals;

// `fields` beside the model.
AnswerCall read(const std::string& fields) {
  const Json body = Json::parse("{\"model\": \"m\", " + fields + "}");
  return read_answer_call(Fields(body));
}

TEST(AnswerCall, TakesOptionsByEveryNameThatClientsUse) {
  struct Row {
    const char* fields;
    const char* options;  // as the store prints them
  };
  const Row rows[] = {
      {R"("user": "u", "store": true, "cache_prompt": true)", "{}"},
      {R"("temperature": 0, "top_p": 0.5)", R"({"temperature":0.0,"top_p":0.5})"},
      {R"("temperature": null)", "{}"},
      {R"("top_k": 20, "min_p": 0.1, "typical_p": 0.9)",
       R"({"min_p":0.1,"top_k":20,"typical_p":0.9})"},
      {R"("repetition_penalty": 1.5)", R"({"repeat_penalty":1.5})"},
      {R"("repeat_penalty": 1.25, "repeat_last_n": 32)",
       R"({"repeat_last_n":32,"repeat_penalty":1.25})"},
      {R"("frequency_penalty": 0.5, "presence_penalty": -0.5)",
       R"({"frequency_penalty":0.5,"presence_penalty":-0.5})"},
      {R"("seed": 7, "num_ctx": 8192)", R"({"num_ctx":8192,"seed":7})"},
      {R"("max_tokens": 5)", R"({"num_predict":5})"},
      {R"("max_tokens": 5, "max_completion_tokens": 9)", R"({"num_predict":9})"},
      {R"("max_tokens": -1)", R"({"num_predict":-1})"},
      {R"("n_predict": 3.0)", R"({"num_predict":3})"},
      {R"("stop": "a")", R"({"stop":["a"]})"},
      {R"("stop": [])", "{}"},
      {R"("stop": "")", "{}"},
      {R"("stop": ["a", "", "b"])", R"({"stop":["a","b"]})"},
      {R"("best_of": 1, "length_penalty": 1.0)", "{}"},
      {R"("mirostat": 0, "ignore_eos": false, "functions": [])", "{}"},
  };
  for (const Row& row : rows) {
    const AnswerCall answer = read(row.fields);
    EXPECT_EQ(store::print_parameters(answer.request.options), row.options) << row.fields;
    EXPECT_EQ(answer.call.options, answer.request.options);
  }
}

TEST(AnswerCall, DefaultsAreBelowTheModelsOwnParameters) {
  const AnswerRequest request = read("\"n\": 1").request;
  EXPECT_EQ(store::print_parameters(request.defaults), R"({"temperature":1.0,"top_p":1.0})");
  EXPECT_FALSE(request.shifts);
  EXPECT_EQ(request.overflow, Overflow::truncate);
}

TEST(AnswerCall, RefusesWhatIsWrongByTheFieldsName) {
  struct Row {
    const char* fields;
    const char* message;
  };
  const Row rows[] = {
      {R"("max_tokens": 0)", "max_tokens must be at least 1, or -1 for no limit"},
      {R"("max_completion_tokens": -2)",
       "max_completion_tokens must be at least 1, or -1 for no limit"},
      {R"("temperature": "hot")", "temperature must be a number"},
      {R"("seed": 1.5)", "seed must be an integer"},
      {R"("stop": [1])", "stop[0] must be a string"},
      {R"("n": 0)", "n must be from 1 to 16"},
      {R"("n": 17)", "n must be from 1 to 16"},
      {R"("best_of": 2)", "best_of is not supported"},
      {R"("functions": [{}])", "functions is not supported"},
      {R"("mirostat": 2)", "mirostat is not supported"},
      {R"("logit_bias": 1)", "logit_bias must be an object"},
      {R"("logit_bias": {"x": 1})", "logit_bias must have token ids as its keys"},
      {R"("logit_bias": {"-1": 1})", "logit_bias must have token ids as its keys"},
      {R"("logit_bias": {"1": "a"})", "logit_bias must have numbers as its values"},
      {R"("logit_bias": [[1]])", "logit_bias must be a list of [token id, bias]"},
      {R"("stream": "yes")", "stream must be true or false"},
      {R"("stream_options": {"include_usage": 1})",
       "stream_options.include_usage must be true or false"},
      {R"("priority": "high")", "priority must be 'interactive', 'batch' or a number"},
      {R"("keep_alive": "x")",
       "keep_alive must be a number of seconds or a duration such as '5m' or '1h30m'"},
      {R"("lora": [{"id": "a"}, {"id": "b"}])", "lora names several adapters, at most 1"},
      {R"("lora": [{"scale": 1}])", "lora.name is required"},
      {R"("response_format": {})", "response_format.type is required"},
      {R"("response_format": {"type": "xml"})",
       "response_format.type must be text, json_object or json_schema"},
      {R"("response_format": {"type": "json_schema", "json_schema": {}})",
       "response_format.json_schema.schema is required"},
      {R"("json_schema": 5)", "json_schema must be a JSON Schema"},
      {R"("grammar": "root ::= \"a\"", "guided_json": {})",
       "guided_json cannot stand beside grammar"},
      {R"("structured_outputs": {"choice": ["a"]})",
       "structured_outputs must hold json, json_object or grammar"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(error_of([&] { read(row.fields); }), row.message) << row.fields;
  EXPECT_EQ(error_of([] { read_answer_call(Fields(Json::object())); }), "model is required");
}

TEST(AnswerCall, HasOneFormByAnyOfItsNames) {
  using Kind = AnswerFormat::Kind;
  struct Row {
    const char* fields;
    Kind kind;
    const char* text;
  };
  const Row rows[] = {
      {R"("response_format": {"type": "text"})", Kind::free, ""},
      {R"("response_format": {"type": "json_object"})", Kind::json, ""},
      {R"("response_format": {"type": "json_object", "schema": {"type": "array"}})", Kind::schema,
       R"({"type":"array"})"},
      {R"("response_format": {"type": "json_schema", "json_schema":
          {"name": "n", "strict": true, "schema": {"b": 1, "a": 2}}})",
       Kind::schema, R"({"b":1,"a":2})"},
      {R"("json_schema": {"type": "null"}, "response_format": {"type": "text"})", Kind::schema,
       R"({"type":"null"})"},
      {R"("guided_json": "{\"type\": \"null\"}", "grammar": "")", Kind::schema,
       R"({"type": "null"})"},
      {R"("grammar": "root ::= \"a\"")", Kind::grammar, "root ::= \"a\""},
      {R"("structured_outputs": {"json": true})", Kind::schema, "true"},
      {R"("structured_outputs": {"json_object": true})", Kind::json, ""},
      {R"("structured_outputs": {"grammar": "g"})", Kind::grammar, "g"},
  };
  for (const Row& row : rows) {
    const AnswerFormat format = read(row.fields).request.format;
    EXPECT_EQ(format.kind, row.kind) << row.fields;
    EXPECT_EQ(format.text, row.text) << row.fields;
  }
}

TEST(AnswerCall, HoldsFormsToTheirLimit) {
  const std::string long_text(kFormatBytesMax + 1, 'x');
  EXPECT_EQ(error_of([&] { read("\"grammar\": \"" + long_text + "\""); }),
            "grammar has 1048577 bytes, at most 1048576 are taken");
}

TEST(AnswerCall, BiasesTokensInBothWaysOfWriting) {
  using Biases = std::vector<std::pair<int32_t, float>>;
  EXPECT_EQ(read(R"("logit_bias": {"15": -100, "7": 0.5})").request.logit_bias,
            (Biases{{15, -100}, {7, 0.5f}}));
  EXPECT_EQ(read(R"("logit_bias": [[15, 2], [7, false]])").request.logit_bias,
            (Biases{{15, 2}, {7, -std::numeric_limits<float>::infinity()}}));
}

TEST(AnswerCall, TellsTheQueueHowUrgentItIs) {
  EXPECT_EQ(read(R"("n": 1)").call.priority, Priority::interactive);
  EXPECT_EQ(read(R"("priority": 0)").call.priority, Priority::interactive);
  EXPECT_EQ(read(R"("priority": 3)").call.priority, Priority::batch);
  EXPECT_EQ(read(R"("priority": "batch")").call.priority, Priority::batch);
  EXPECT_EQ(read(R"("service_tier": "flex")").call.priority, Priority::batch);
  EXPECT_EQ(read(R"("service_tier": "auto")").call.priority, Priority::interactive);
  EXPECT_EQ(read(R"("keep_alive": "10m")").call.keep_alive, 10min);
}

TEST(AnswerCall, NamesAnAdapterInAnyShape) {
  EXPECT_EQ(read(R"("lora": "pirate")").request.adapter, "pirate");
  const AnswerRequest request = read(R"("lora": [{"id": "pirate", "scale": 0.5}])").request;
  EXPECT_EQ(request.adapter, "pirate");
  EXPECT_EQ(request.adapter_scale, 0.5f);
  EXPECT_EQ(read(R"("lora": [])").request.adapter, "");
}

TEST(AnswerCall, KnowsEveryEffort) {
  const std::pair<const char*, Thinking> rows[] = {
      {"none", Thinking::off},      {"minimal", Thinking::low}, {"low", Thinking::low},
      {"medium", Thinking::medium}, {"high", Thinking::high},   {"xhigh", Thinking::max},
      {"ultra", Thinking::max},     {"max", Thinking::max}};
  for (const auto& [effort, level] : rows) {
    const Json body = {{"effort", effort}};
    EXPECT_EQ(read_effort(Fields(body), "effort"), level);
  }
  const Json body = {{"effort", "much"}};
  EXPECT_EQ(error_of([&] { read_effort(Fields(body), "effort"); }),
            "effort must be one of none, minimal, low, medium, high, xhigh, ultra, max");
}

std::vector<int64_t> seeds_of(const std::vector<AnswerRequest>& requests) {
  std::vector<int64_t> seeds;
  for (const AnswerRequest& request : requests)
    seeds.push_back(std::get<int64_t>(request.options.at("seed")));
  return seeds;
}

TEST(AnswerCall, EveryChoiceHasItsOwnSeed) {
  EXPECT_EQ(seeds_of(spread_choices(read(R"("n": 3, "seed": 5)"), 100)),
            (std::vector<int64_t>{5, 6, 7}));
  EXPECT_EQ(seeds_of(spread_choices(read(R"("n": 2)"), 100)), (std::vector<int64_t>{100, 101}));
  EXPECT_EQ(seeds_of(spread_choices(read(R"("n": 2, "seed": -1)"), 100)),
            (std::vector<int64_t>{100, 101}));
  EXPECT_TRUE(spread_choices(read(R"("n": 1)"), 100)[0].options.empty());
}

}  // namespace
}  // namespace hearth::serve::openai
