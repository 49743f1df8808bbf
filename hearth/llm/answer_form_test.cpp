#include "hearth/llm/answer_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <regex>
#include <string>

#include "hearth/llm/batch_engine.h"
#include "hearth/llm/grammar/gbnf.h"
#include "hearth/llm/recall_model.h"
#include "hearth/llm/tiny_vocabulary.h"

namespace hearth::llm {
namespace {

// A form as a grammar, and as a regular expression, which another engine reads.
constexpr const char* kRecordGbnf =
    R"gbnf(root ::= "{\"n\":" [0-9]{1,4} (",\"s\":\"" [a-z0-9]{0,20} "\"")? "}")gbnf";
const std::regex kRecord(R"re(\{"n":[0-9]{1,4}(,"s":"[a-z0-9]{0,20}")?\})re");

const Tokenizer& tiny_tokenizer() {
  static const TinyVocabulary vocabulary;
  return *vocabulary.tokenizer;
}

std::shared_ptr<Constraint> constraint_of(const char* gbnf) {
  static const auto trie = std::make_shared<TokenTrie>(tiny_tokenizer());
  return std::make_shared<Constraint>(std::make_shared<Grammar>(parse_gbnf(gbnf)), trie);
}

struct Box {
  explicit Box(EngineOptions options = EngineOptions(), int first_id = kTinyEos)
      : model(model_options(first_id)) {
    options.threads = 1;
    options.context = 128;
    options.kv_type = KvType::f32;
    engine = std::make_unique<BatchEngine>(model, tiny_tokenizer(), options);
  }

  static RecallModel::Options model_options(int first_id) {
    return {.vocab_size = kTinySize, .context_length = 128, .first_id = first_id};
  }

  RecallModel model;  // likes every token from `first_id` on: bytes, pairs, the end
  std::unique_ptr<BatchEngine> engine;
};

GenerateParams params_of(std::vector<int32_t> prompt, AnswerForm form, uint64_t seed = 0,
                         float temperature = 1) {
  return {.prompt = std::move(prompt),
          .sampling = {.temperature = temperature, .top_p = 1, .seed = seed},
          .form = std::move(form)};
}

struct Answer {
  std::string text;
  std::vector<int32_t> ids;
  std::vector<float> logprobs;
  FinishReason reason;
};

Answer read(PieceStream stream) {
  Answer answer;
  while (const std::optional<Piece> piece = stream.next()) {
    answer.text += piece->text;
    answer.ids.push_back(piece->sample.token);
    answer.logprobs.push_back(piece->sample.chosen.logprob);
  }
  answer.reason = stream.result().reason;
  return answer;
}

std::string error_of(PieceStream stream) {
  try {
    read(std::move(stream));
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::unsupported);
    return e.what();
  }
  return "no error";
}

TEST(AnswerForm, EveryAnswerKeepsItsFormWhateverTheModelSays) {
  Box box;
  const auto constraint = constraint_of(kRecordGbnf);
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const auto prompt = static_cast<int32_t>(kTinyFirstText + seed % 50);
    const Answer answer = read(box.engine->submit(
        params_of({kTinyBos, prompt}, {constraint}, seed, seed % 2 == 0 ? 0.f : 2.f)));
    EXPECT_TRUE(std::regex_match(answer.text, kRecord)) << answer.text;
    EXPECT_EQ(answer.reason, FinishReason::end);
  }
}

TEST(AnswerForm, TheLikeliestAllowedTokenIsTaken) {
  Box box;
  const auto constraint = constraint_of(kRecordGbnf);
  for (int32_t prompt = kTinyFirstText; prompt < kTinySize; ++prompt) {
    std::vector<int32_t> ids = {kTinyBos, prompt}, expected;
    std::vector<float> logits(kTinySize);
    Matcher text(constraint_of(kRecordGbnf));
    while (!text.is_final()) {
      box.model.logits(ids, logits);
      std::vector<int32_t> order(kTinySize);
      for (int32_t id = 0; id < kTinySize; ++id) order[id] = id;
      std::stable_sort(order.begin(), order.end(),
                       [&](int32_t a, int32_t b) { return logits[a] > logits[b]; });
      for (const int32_t id : order) {
        if (!Matcher(text).accept_token(id)) continue;
        text.accept_token(id);
        ids.push_back(id);
        expected.push_back(id);
        break;
      }
    }
    GenerateParams params = params_of({kTinyBos, prompt}, {constraint}, 0, 0);
    EXPECT_EQ(read(box.engine->submit(std::move(params))).ids, expected);
  }
}

TEST(AnswerForm, AnEndTokenComesOnlyWhereTheTextIsComplete) {
  Box box;
  const auto constraint = constraint_of(R"(root ::= "x" ("yx")*)");
  int ended = 0;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    GenerateParams params = params_of({kTinyBos}, {constraint}, seed);
    params.tokens_max = 30;
    const Answer answer = read(box.engine->submit(std::move(params)));
    if (answer.reason == FinishReason::length) continue;
    ++ended;
    EXPECT_EQ(answer.ids.back(), kTinyEos);
    EXPECT_TRUE(std::regex_match(answer.text, std::regex("x(yx)*"))) << answer.text;
  }
  EXPECT_GT(ended, 25);
}

// Twelve answers, every third free, in pages for two or three: some are preempted and computed
// again.
TEST(AnswerForm, NeitherNeighboursNorPreemptionChangeAnAnswer) {
  const auto constraints = {constraint_of(kRecordGbnf),
                            constraint_of(R"(root ::= [a-f0-9]{90,99})")};
  const auto params = [&](uint64_t i, const std::shared_ptr<Constraint>& constraint) {
    GenerateParams p = params_of({kTinyBos, static_cast<int32_t>(kTinyFirstText + i)},
                                 {i % 3 == 0 ? nullptr : constraint}, i);
    p.sampling.logprobs = 2;
    p.tokens_max = 110;
    return p;
  };
  for (const auto& constraint : constraints) {
    Box crowded({.sequences_max = 6, .kv_bytes_max = 6 * 32 * 2 * sizeof(float)});
    std::vector<PieceStream> streams;
    for (uint64_t i = 0; i < 12; ++i)
      streams.push_back(crowded.engine->submit(params(i, constraint)));
    for (uint64_t i = 0; i < 12; ++i) {
      Box alone({.sequences_max = 1});
      const auto own = constraint == *constraints.begin()
                           ? constraint_of(kRecordGbnf)
                           : constraint_of("root ::= [a-f0-9]{90,99}");
      const Answer expected = read(alone.engine->submit(params(i, own)));
      const Answer answer = read(std::move(streams[i]));
      EXPECT_EQ(answer.ids, expected.ids) << i;
      EXPECT_EQ(answer.logprobs, expected.logprobs) << i;
    }
  }
}

TEST(AnswerForm, AnAnswerWithAnEndlessFormCanBeCancelled) {
  Box box;
  GenerateParams params = params_of({kTinyBos}, {constraint_of(R"(root ::= "ab" root | "n")")});
  params.sampling.temperature = 0;
  params.sampling.logit_bias = {{kTinyFirstByte + 'n', -std::numeric_limits<float>::infinity()}};
  params.context_full = ContextFull::shift;
  PieceStream stream = box.engine->submit(std::move(params));
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(stream.next());
  stream.cancel();
  while (stream.next()) {
  }
  EXPECT_EQ(stream.result().reason, FinishReason::cancelled);
}

TEST(AnswerForm, AnAnswerThatCannotGoOnEndsWithAnErrorAndNoOtherDoes) {
  Box box;
  GenerateParams stuck = params_of({kTinyBos}, {constraint_of(R"(root ::= "ab0")")});
  const float never = -std::numeric_limits<float>::infinity();
  stuck.sampling.logit_bias = {{kTinyFirstByte + '0', never}, {kTinyFirstText + 1, never}};
  PieceStream other = box.engine->submit(params_of({kTinyBos}, {constraint_of(kRecordGbnf)}));
  EXPECT_EQ(error_of(box.engine->submit(std::move(stuck))),
            "form: none of the tokens that may come next has a probability above 0");
  EXPECT_TRUE(std::regex_match(read(std::move(other)).text, kRecord));
}

TEST(AnswerForm, TheTextBeforeTheFormIsFreeAndCannotEndTheAnswer) {
  Box box;
  const AnswerForm form{constraint_of(R"(root ::= [0-9]{3})"), "z"};
  int thoughtful = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    GenerateParams params = params_of({kTinyBos}, form, seed);
    params.sampling.top_k = 0;
    // The end and the mark are far likelier than all else.
    params.sampling.logit_bias = {{kTinyEos, 9.f}, {kTinyFirstByte + 'z', 9.f}};
    const Answer answer = read(box.engine->submit(std::move(params)));
    const size_t mark = answer.text.find('z');
    ASSERT_NE(mark, std::string::npos);
    EXPECT_TRUE(std::regex_match(answer.text.substr(mark), std::regex("z[0-9]{3}"))) << answer.text;
    thoughtful += mark > 0;
  }
  EXPECT_GT(thoughtful, 0);
}

TEST(AnswerForm, AnAnswerMayStayFreeWhereThatIsSaid) {
  Box box;
  AnswerForm form{constraint_of(R"(root ::= [0-9]{3})"), "<never>"};
  form.may_stay_free = true;
  GenerateParams params = params_of({kTinyBos}, form);
  params.sampling.logit_bias = {{kTinyEos, 50.f}};
  const Answer answer = read(box.engine->submit(std::move(params)));
  EXPECT_EQ(answer.reason, FinishReason::end);
  EXPECT_THAT(answer.ids, testing::ElementsAre(kTinyEos));
}

void take(FormGuard& guard, std::string_view bytes) {
  for (const char byte : bytes) guard.accept(kTinyFirstByte + static_cast<uint8_t>(byte));
}

TEST(FormGuard, TheMarkMaySpanTokensAndBeAControlToken) {
  FormGuard spread({constraint_of(R"(root ::= "k")"), "ab0c"}, tiny_tokenizer(), kTinySize);
  take(spread, "xaa");
  spread.accept(kTinyFirstText + 1);  // "b0"
  EXPECT_TRUE(is_allowed(spread.allowed(), kTinyFirstByte + '!'));
  take(spread, "c");
  EXPECT_FALSE(is_allowed(spread.allowed(), kTinyFirstByte + '!'));
  take(spread, "k");
  EXPECT_TRUE(spread.is_finished());

  FormGuard control({constraint_of(R"(root ::= "k")"), "<s>"}, tiny_tokenizer(), kTinySize);
  take(control, "<s");
  control.accept(kTinyBos);
  take(control, "k");
  EXPECT_TRUE(control.is_finished());
}

TEST(FormGuard, WhatTheMarksTokenBringsAlongIsPartOfTheForm) {
  FormGuard guard({constraint_of(R"(root ::= "0k")"), "a"}, tiny_tokenizer(), kTinySize);
  guard.accept(kTinyFirstText);  // "a0"
  take(guard, "k");
  EXPECT_TRUE(guard.is_finished());

  FormGuard refused({constraint_of(R"(root ::= "k")"), "a"}, tiny_tokenizer(), kTinySize);
  try {
    refused.accept(kTinyFirstText);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "form: 'a' came in one token with '0', which it refuses");
  }
}

TEST(AnswerForm, AFormOfAnotherVocabularyAndOneWithoutEndAreRefused) {
  Box box;
  const std::vector<std::string> pieces = {"a", "b"};
  const AnswerForm other{
      std::make_shared<Constraint>(std::make_shared<Grammar>(parse_gbnf("root ::= \"a\"")),
                                   std::make_shared<TokenTrie>(pieces, std::vector<int32_t>{}))};
  const auto refusal = [&](GenerateParams params) -> std::string {
    try {
      box.engine->submit(std::move(params));
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::invalid_argument);
      return e.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal(params_of({kTinyBos}, other)), "form: made for 2 tokens, the model has 320");
  GenerateParams endless = params_of({kTinyBos}, {constraint_of(kRecordGbnf)});
  endless.ignore_end = true;
  EXPECT_EQ(refusal(std::move(endless)), "form: an answer with a form cannot ignore its end");
}

}  // namespace
}  // namespace hearth::llm
