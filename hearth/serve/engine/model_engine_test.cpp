#include "hearth/serve/engine/model_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "hearth/base/error.h"
#include "hearth/compute/thread_pool.h"
#include "hearth/llm/logits.h"
#include "hearth/llm/models/random_model.h"
#include "hearth/serve/engine/engine_for_test.h"

namespace hearth::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const fs::path kTales = fs::path(HEARTH_SOURCE_DIR) / "models/tales.gguf";

ModelLoad tales() {
  return {.path = kTales, .parameters = {{"num_thread", int64_t{1}}, {"num_ctx", int64_t{128}}}};
}

AnswerRequest tale(std::string prompt, int64_t seed, int64_t tokens) {
  AnswerRequest request = text(std::move(prompt));
  request.options = {{"seed", seed}, {"num_predict", tokens}};
  return request;
}

TEST(ModelEngine, ReadsThoughtsContentAndCallsOutOfAnAnswer) {
  ScriptedEngine box;
  AnswerRequest request = chat({user("Look!")});
  chat_of(request).tools = {{.name = "look", .description = ""}};
  request.wants_ids = true;
  const auto stream = box.answer(
      "<think>\nhm\n</think>\n\nWell.\n<tool_call>\n{\"name\": \"look\", \"arguments\": {\"n\": "
      "1}}\n"
      "</tool_call>",
      request);
  const ReadAnswer answer = read(*stream);
  EXPECT_EQ(answer.delta.thinking, "hm");
  EXPECT_EQ(answer.delta.content, "Well.");
  ASSERT_THAT(answer.delta.tool_calls, SizeIs(1));
  EXPECT_EQ(answer.delta.tool_calls[0].name, "look");
  EXPECT_EQ(answer.delta.tool_calls[0].arguments, Json({{"n", 1}}));
  EXPECT_EQ(answer.end.reason, AnswerReason::stop);
  EXPECT_EQ(answer.end.stop_string, "");
  EXPECT_EQ(answer.end.prompt_tokens, box.engine->count_tokens(request));
  EXPECT_THAT(answer.end.ids,
              SizeIs(static_cast<size_t>(answer.end.prompt_tokens + answer.end.generated_tokens)));
  EXPECT_EQ(answer.end.ids.back(), *box.tokenizer->find("<|end|>"));
}

TEST(ModelEngine, PlainTextComesAsItIs) {
  ScriptedEngine box;
  const auto stream = box.answer(" <think> <|im_start|> \n", text("x"));
  EXPECT_EQ(read(*stream).delta.content, " <think> <|im_start|> \n");
}

TEST(ModelEngine, StopStringsEndAnAnswerAndAreNamed) {
  ScriptedEngine box({.parameters = {{"stop", std::vector<std::string>{"<|im_start|>", "END"}}}});
  ReadAnswer answer = read(*box.answer("one EN two END three", chat({user("x")})));
  EXPECT_EQ(answer.delta.content, "one EN two ");
  EXPECT_EQ(answer.end.reason, AnswerReason::stop);
  EXPECT_EQ(answer.end.stop_string, "END");
  // Control tokens can be meant, too.
  answer = read(*box.answer("one<|im_start|>two", chat({user("x")})));
  EXPECT_EQ(answer.delta.content, "one");
  EXPECT_EQ(answer.end.stop_string, "<|im_start|>");
}

TEST(ModelEngine, EachTokenThatEndsATurnEndsAnAnswer) {
  ScriptedEngine box;
  AnswerRequest request = text("x");
  request.logprobs = 0;
  for (const char* end : {"<|end|>", "<|im_end|>"}) {
    const ReadAnswer answer = read(*box.answer("one" + std::string(end) + "two", request));
    EXPECT_EQ(answer.delta.content, "one") << end;
    EXPECT_EQ(answer.end.reason, AnswerReason::stop);
    EXPECT_EQ(answer.end.generated_tokens, 4);
    EXPECT_THAT(answer.logprobs, SizeIs(3)) << "of the text alone";
  }
}

TEST(ModelEngine, LengthIsTheReasonWhenTheLimitIsMet) {
  ScriptedEngine box({}, 64);
  AnswerRequest request = text("ab");
  request.options = {{"num_predict", int64_t{3}}};
  ReadAnswer answer = read(*box.answer("cdefgh", request));
  EXPECT_EQ(answer.delta.content, "cde");
  EXPECT_EQ(answer.end.reason, AnswerReason::length);
  EXPECT_EQ(answer.end.generated_tokens, 3);
  // A full context ends it where it may not shift.
  request.options = {{"num_predict", int64_t{-2}}};
  answer = read(*box.answer(std::string(100, 'x'), request));
  EXPECT_EQ(answer.end.reason, AnswerReason::length);
  EXPECT_EQ(answer.end.context_shifts, 0);
  EXPECT_EQ(answer.delta.content, std::string(63, 'x'));
}

TEST(ModelEngine, WhereOneCallIsAllowedTheAnswerEndsWithIt) {
  ScriptedEngine box;
  AnswerRequest request = chat({user("Look!")});
  chat_of(request).tools = {{.name = "a", .description = ""}, {.name = "b", .description = ""}};
  chat_of(request).tool_choice.allows_parallel = false;
  const ReadAnswer answer =
      read(*box.answer("<tool_call>{\"name\": \"a\", \"arguments\": {}}</tool_call>"
                       "<tool_call>{\"name\": \"b\", \"arguments\": {}}</tool_call>",
                       request));
  ASSERT_THAT(answer.delta.tool_calls, SizeIs(1));
  EXPECT_EQ(answer.delta.tool_calls[0].name, "a");
  EXPECT_EQ(answer.delta.content, "");
  EXPECT_EQ(answer.end.reason, AnswerReason::stop);
}

TEST(ModelEngine, AnAnswerKeepsToItsGrammarBehindItsThoughts) {
  ScriptedEngine box;
  AnswerRequest request = chat({user("x")});
  request.format = {AnswerFormat::Kind::grammar, "root ::= \"yes\" | \"no\""};
  chat_of(request).thinking = Thinking::on;
  // The prompt opens the thoughts, so that they surely end.
  ReadAnswer answer = read(*box.answer("is it?</think>yes", request));
  EXPECT_EQ(answer.delta.thinking, "is it?");
  EXPECT_EQ(answer.delta.content, "yes");
  // What the grammar forbids is not said, whatever the model wants.
  answer = read(*box.answer("is it?</think>nay", request));
  EXPECT_EQ(answer.delta.content, "no");
  // Without a word about thoughts, the form begins at once.
  for (const std::optional<Thinking> level :
       {std::optional(Thinking::off), std::optional<Thinking>()}) {
    chat_of(request).thinking = level;
    answer = read(*box.answer("yap", request));
    EXPECT_EQ(answer.delta.thinking, "");
    EXPECT_EQ(answer.delta.content, "yes");
  }
  request.format.text = "root ::= (";
  EXPECT_THAT(refusal_of(Errc::invalid_argument, [&] { box.engine->answer(request); }),
              HasSubstr("line 1"));
}

TEST(ModelEngine, ACallThatMustBeMadeIsMade) {
  ScriptedEngine box;
  AnswerRequest request = chat({user("Look!")});
  const Json parameters = Json::parse(
      R"({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})");
  chat_of(request).tools = {{.name = "look", .description = "", .parameters = parameters},
                            {.name = "listen", .description = ""}};
  chat_of(request).tool_choice = {.kind = ToolChoice::Kind::named, .name = "look"};
  // The model would rather talk.
  ReadAnswer answer = read(*box.answer("No, I will not", request));
  ASSERT_THAT(answer.delta.tool_calls, SizeIs(1));
  EXPECT_EQ(answer.delta.tool_calls[0].name, "look");
  EXPECT_TRUE(answer.delta.tool_calls[0].arguments["n"].is_number_integer());
  EXPECT_EQ(answer.delta.content, "");
  EXPECT_EQ(answer.end.reason, AnswerReason::stop);
  // A schema that cannot be enforced still gives the call.
  chat_of(request).tools[0].parameters["not"] = Json::object();
  answer = read(*box.answer(R"({"name": "look", "arguments": {"m": 2}})", request));
  ASSERT_THAT(answer.delta.tool_calls, SizeIs(1));
  EXPECT_EQ(answer.delta.tool_calls[0].arguments, Json({{"m", 2}}));
}

TEST(ModelEngine, AForgottenTurnIsCounted) {
  ScriptedEngine box({}, 128);
  const ReadAnswer answer = read(
      *box.answer("ok", chat({user(std::string(100, 'x')), assistant("yes"), user("and now?")})));
  EXPECT_EQ(answer.end.messages_forgotten, 2);
  EXPECT_EQ(answer.delta.content, "ok");
}

TEST(ModelEngine, CancellingFromAnotherThreadEndsTheAnswer) {
  ModelEngine engine(tales());
  const auto stream = engine.answer(tale("Once", 1, -1));
  ASSERT_TRUE(stream->next());
  std::jthread other([&] { stream->cancel(); });
  EXPECT_EQ(read(*stream).end.reason, AnswerReason::cancelled);
}

TEST(ModelEngine, EightAnswersAtOnceAreWhatEachIsAlone) {
  ModelEngine engine(tales());
  const auto request = [](int i) { return tale("Once upon a time " + std::to_string(i), i, 24); };
  std::vector<std::string> alone, together(8);
  for (int i = 0; i < 8; ++i) alone.push_back(read(*engine.answer(request(i))).delta.content);
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 8; ++i)
      clients.emplace_back(
          [&, i] { together[i] = read(*engine.answer(request(i))).delta.content; });
  }
  EXPECT_EQ(together, alone);
  EXPECT_NE(alone[0], alone[1]);
}

TEST(ModelEngine, TheSameSeedIsTheSameTextAndIsTold) {
  ModelEngine engine(tales());
  AnswerRequest request = text("Once");
  request.options = {{"num_predict", int64_t{16}}};
  const ReadAnswer first = read(*engine.answer(request));
  request.options["seed"] = static_cast<int64_t>(first.end.seed);
  const ReadAnswer second = read(*engine.answer(request));
  EXPECT_EQ(second.delta.content, first.delta.content);
  EXPECT_EQ(second.end.seed, first.end.seed);
}

constexpr int32_t kBanned = 2;  // the end token, so that an answer has its length

// log p of each id from `from` on, by a forward pass of the whole text, without kBanned.
std::vector<double> logprobs_of(const llm::RandomModel& file, const std::vector<int32_t>& ids,
                                size_t from) {
  const auto model = llm::Model::load(file.file());
  ThreadPool pool(1);
  std::vector<int> at;
  for (size_t i = from; i < ids.size(); ++i) at.push_back(static_cast<int>(i) - 1);
  auto logits = llm::raw_logits(*model, ids, at, {}, pool);
  std::vector<double> result;
  for (size_t i = 0; i < logits.size(); ++i) {
    logits[i][kBanned] = -INFINITY;
    double sum = 0;
    for (const float logit : logits[i]) sum += std::exp(static_cast<double>(logit));
    result.push_back(logits[i][ids[from + i]] - std::log(sum));
  }
  return result;
}

TEST(ModelEngine, LogprobsAreThoseOfTheModel) {
  const llm::RandomModel model({});
  ModelEngine engine({.path = model.path(), .parameters = {{"num_thread", int64_t{1}}}});
  AnswerRequest request = tale("he was", 3, 12);
  request.logit_bias = {{kBanned, -INFINITY}};
  request.logprobs = 2;
  request.wants_ids = true;
  const ReadAnswer answer = read(*engine.answer(request));
  ASSERT_THAT(answer.logprobs, SizeIs(12));
  const std::vector<double> expected =
      logprobs_of(model, answer.end.ids, static_cast<size_t>(answer.end.prompt_tokens));
  for (size_t i = 0; i < 12; ++i) {
    const TokenLogprobs& token = answer.logprobs[i];
    // Keys and values are rounded to f16 (2^-11) in both, but sums run in another order.
    EXPECT_NEAR(token.chosen.logprob, expected[i], 2e-3);
    ASSERT_THAT(token.top, SizeIs(2));
    EXPECT_GE(token.top[0].logprob, token.top[1].logprob);
    EXPECT_GE(token.top[0].logprob, token.chosen.logprob);
    EXPECT_LE(std::exp(token.top[0].logprob) + std::exp(token.top[1].logprob), 1 + 1e-5);
  }
}

TEST(ModelEngine, LogprobsSpellTheAnswer) {
  ModelEngine engine(tales());
  AnswerRequest request = tale("Once upon a time", 3, 12);
  request.logprobs = 0;
  const ReadAnswer answer = read(*engine.answer(request));
  std::string spelled;
  for (const TokenLogprobs& token : answer.logprobs) spelled += token.chosen.text;
  EXPECT_EQ(spelled, answer.delta.content);
  EXPECT_THAT(answer.logprobs[0].top, IsEmpty());
}

TEST(ModelEngine, FactsAndStatusOfTheTales) {
  ModelEngine engine(tales());
  const EngineFacts& facts = engine.facts();
  EXPECT_THAT(facts.capabilities.names(), ElementsAre("completion", "embedding"));
  EXPECT_EQ(facts.architecture, "llama");
  EXPECT_EQ(facts.context, 128);
  EXPECT_EQ(facts.answers_max, 8);
  uint64_t weights = 0;
  const formats::Gguf file = formats::Gguf::open(kTales);
  for (const formats::GgufTensor& tensor : file.tensors()) weights += tensor.bytes.size();
  // A context of 128 positions, 6 layers, 4 heads of 32 keys and 32 values in f16: eight for
  // answers, one for vectors.
  const uint64_t context = 128 * 6 * 4 * (32 + 32) * 2;
  // 512 tokens of a step: residual and hidden of 256, gate and up of 768 in f32, inputs of 768 in
  // 16 bits; of answers and of vectors. A row of logits for each answer.
  const uint64_t step = 512 * (4 * (2 * 256 + 2 * 768) + 2 * 768);
  const uint64_t logits = 8 * file.find_tensor("token_embd.weight")->rows() * 4;
  EXPECT_EQ(facts.memory_bytes, weights + 9 * context + 2 * step + logits);
  EXPECT_EQ(engine.status().pages_total, 8 * 128 / 32);
  EXPECT_EQ(engine.status().running, 0);
}

TEST(ModelEngine, CapabilitiesAreThoseOfTheTemplateAndTheVocabulary) {
  EXPECT_THAT(ScriptedEngine().engine->facts().capabilities.names(),
              ElementsAre("completion", "tools", "insert", "embedding", "thinking"));
}

TEST(ModelEngine, AContextBeyondTheTrainingIsCutToIt) {
  ModelLoad load = tales();
  load.parameters["num_ctx"] = int64_t{1} << 20;
  EXPECT_EQ(ModelEngine(load).facts().context, 256);
}

TEST(ModelEngine, TextsBecomeIdsAndBack) {
  ModelEngine engine(tales());
  const std::vector<int32_t> ids = engine.tokenize("Once upon</s>", true, true);
  EXPECT_EQ(ids.front(), 1);
  EXPECT_EQ(ids.back(), 2);
  EXPECT_EQ(engine.detokenize(ids), "<s>Once upon</s>");
  EXPECT_NE(engine.tokenize("</s>", false, false), engine.tokenize("</s>", false, true));
  EXPECT_EQ(refusal_of(Errc::invalid_argument, [&] { engine.detokenize(std::vector{9999}); }),
            "tokens[0]: id 9999 is not between 0 and 4095");
}

TEST(ModelEngine, EveryModelFamilyAnswersFromItsFile) {
  for (const char* architecture : {"llama", "qwen3", "gemma3"}) {
    const llm::RandomModel model({.architecture = architecture});
    ModelEngine engine({.path = model.path(), .parameters = {{"num_thread", int64_t{1}}}});
    AnswerRequest request = tale("he was", 1, 5);
    request.logit_bias = {{2, -100.0f}};  // it must not end by chance
    EXPECT_EQ(read(*engine.answer(request)).end.generated_tokens, 5);
    EXPECT_EQ(engine.facts().architecture, architecture);
  }
}

TEST(ModelEngine, WhatCannotBeDoneIsSaid) {
  ModelEngine engine(tales());
  AnswerRequest request = text("x");
  request.logprobs = 21;
  EXPECT_EQ(refusal_of(Errc::invalid_argument, [&] { engine.answer(request); }),
            "logprobs: 21 is not between -1 and 20");
  request = text("x");
  request.adapter = "pirate";
  EXPECT_EQ(refusal_of(Errc::invalid_argument, [&] { engine.answer(request); }),
            "adapter 'pirate' is not loaded with the model, which has none");
  request = text("x");
  request.options = {{"top_p", 2.0}};
  EXPECT_EQ(refusal_of(Errc::invalid_argument, [&] { engine.answer(request); }),
            "option \"top_p\" must be between 0 and 1, not 2");
  EXPECT_EQ(refusal_of(Errc::unsupported, [&] { engine.rerank({}, {}); }),
            "the model does not support rerank");
}

TEST(ModelEngine, ATemplateInGosLanguageMakesAModelWithoutOneAnswerChats) {
  const llm::RandomModel model({});
  EXPECT_EQ(ModelEngine({.path = model.path(), .template_text = "{{ .Prompt }}"})
                .render({.messages = {user("Hi")}}),
            "Hi");
}

TEST(ModelEngine, AnswersOfAnEngineThatHasGoneEnd) {
  auto engine = std::make_unique<ModelEngine>(tales());
  const auto stream = engine->answer(tale("Once", 1, -1));
  engine.reset();
  EXPECT_EQ(refusal_of(Errc::unavailable, [&] { read(*stream); }).starts_with("unavailable"),
            false);
  EXPECT_FALSE(stream->next());
}

}  // namespace
}  // namespace hearth::serve
