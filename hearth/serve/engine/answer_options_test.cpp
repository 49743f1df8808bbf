#include "hearth/serve/engine/answer_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "hearth/base/error.h"
#include "hearth/serve/engine/engine.h"

namespace hearth::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string refusal_of(const store::ModelParameters& options) {
  try {
    resolve_options({}, {}, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_argument);
    return error.what();
  }
  return "accepted";
}

TEST(AnswerOptions, TheRequestWinsOverTheModelAndThatOverTheApi) {
  const AnswerSettings settings = resolve_options(
      {{"temperature", 1.0}, {"top_p", 1.0}, {"min_p", 0.5}},
      {{"temperature", 0.25}, {"top_p", 0.75}, {"stop", std::vector<std::string>{"a"}}},
      {{"temperature", 0.5}, {"stop", std::vector<std::string>{"b", "c"}}});
  EXPECT_EQ(settings.sampling.temperature, 0.5f);
  EXPECT_EQ(settings.sampling.top_p, 0.75f);
  EXPECT_EQ(settings.sampling.min_p, 0.5f);
  EXPECT_THAT(settings.stop, ElementsAre("b", "c"));
}

TEST(AnswerOptions, WhatNobodyNamesIsOllamasDefault) {
  const AnswerSettings settings = resolve_options({}, {}, {});
  EXPECT_EQ(settings.sampling.temperature, 0.8f);
  EXPECT_EQ(settings.sampling.top_k, 40);
  EXPECT_EQ(settings.sampling.top_p, 0.9f);
  EXPECT_EQ(settings.sampling.repeat_penalty, 1.0f);
  EXPECT_EQ(settings.sampling.repeat_last_n, 64);
  EXPECT_EQ(settings.tokens_max, -1);
  EXPECT_FALSE(settings.ends_when_full);
  EXPECT_FALSE(settings.seed);
  EXPECT_THAT(settings.stop, IsEmpty());
}

TEST(AnswerOptions, EveryOptionReachesItsField) {
  const AnswerSettings settings = resolve_options({}, {},
                                                  {{"top_k", int64_t{7}},
                                                   {"typical_p", 0.5},
                                                   {"repeat_penalty", 1.5},
                                                   {"repeat_last_n", int64_t{-1}},
                                                   {"presence_penalty", -2.0},
                                                   {"frequency_penalty", int64_t{3}},
                                                   {"seed", int64_t{42}},
                                                   {"num_predict", int64_t{9}}});
  EXPECT_EQ(settings.sampling.top_k, 7);
  EXPECT_EQ(settings.sampling.typical_p, 0.5f);
  EXPECT_EQ(settings.sampling.repeat_penalty, 1.5f);
  EXPECT_EQ(settings.sampling.repeat_last_n, -1);
  EXPECT_EQ(settings.sampling.presence_penalty, -2.0f);
  EXPECT_EQ(settings.sampling.frequency_penalty, 3.0f);
  EXPECT_EQ(settings.seed, 42u);
  EXPECT_EQ(settings.tokens_max, 9);
}

TEST(AnswerOptions, NegativeNumbersMeanNoLimitNoSeedAndOff) {
  const AnswerSettings settings = resolve_options(
      {}, {{"seed", int64_t{5}}},
      {{"num_predict", int64_t{-2}}, {"seed", int64_t{-1}}, {"top_k", int64_t{-1}}});
  EXPECT_EQ(settings.tokens_max, -1);
  EXPECT_TRUE(settings.ends_when_full);
  EXPECT_FALSE(settings.seed);
  EXPECT_EQ(settings.sampling.top_k, 0);
}

TEST(AnswerOptions, AWholeNumberIsAnIntegerHoweverJsonWritesIt) {
  const AnswerSettings settings =
      resolve_options({}, {}, {{"top_k", 7.0}, {"num_predict", -2.0}, {"seed", 42.0}});
  EXPECT_EQ(settings.sampling.top_k, 7);
  EXPECT_TRUE(settings.ends_when_full);
  EXPECT_EQ(settings.seed, 42u);
  EXPECT_EQ(resolve_load_options({{"num_ctx", 4096.0}}).context, 4096);
  for (const double none : {1e300, std::nan(""), -1e16})
    EXPECT_EQ(refusal_of({{"seed", none}}), "option \"seed\" must be of type integer");
}

TEST(AnswerOptions, AnotherTypeIsRefusedByName) {
  EXPECT_EQ(refusal_of({{"top_k", 4.5}}), "option \"top_k\" must be of type integer");
  EXPECT_EQ(refusal_of({{"top_p", true}}), "option \"top_p\" must be of type number");
  EXPECT_EQ(refusal_of({{"stop", int64_t{1}}}), "option \"stop\" must be of type list of strings");
}

TEST(AnswerOptions, ValuesOutOfRangeAreRefusedWithTheRange) {
  EXPECT_EQ(refusal_of({{"top_p", 1.5}}), "option \"top_p\" must be between 0 and 1, not 1.5");
  EXPECT_EQ(refusal_of({{"temperature", -1.0}}),
            "option \"temperature\" must be between 0 and 100, not -1");
  EXPECT_EQ(refusal_of({{"num_predict", int64_t{-3}}}),
            "option \"num_predict\" must be between -2 and 2147483647, not -3");
  EXPECT_EQ(refusal_of({{"repeat_penalty", 0.0}}),
            "option \"repeat_penalty\" must be between 0.01 and 100, not 0");
  EXPECT_EQ(refusal_of({{"min_p", std::nan("")}}),
            "option \"min_p\" must be between 0 and 1, not nan");
}

TEST(AnswerOptions, OtherNamesArePassedOver) {
  EXPECT_EQ(refusal_of({{"mirostat", 7.5}, {"num_ctx", true}, {"colour", 1.0}}), "accepted");
}

TEST(AnswerOptions, OptionsOfLoadingHaveTheirOwnTable) {
  const LoadSettings plain = resolve_load_options({{"temperature", 0.5}});
  EXPECT_EQ(plain.context, 0);
  EXPECT_EQ(plain.threads, 0);
  EXPECT_EQ(plain.batch_tokens, 512);
  const LoadSettings asked = resolve_load_options(
      {{"num_ctx", int64_t{4096}}, {"num_thread", int64_t{2}}, {"num_batch", int64_t{64}}});
  EXPECT_EQ(asked.context, 4096);
  EXPECT_EQ(asked.threads, 2);
  EXPECT_EQ(asked.batch_tokens, 64);
  EXPECT_THROW(resolve_load_options({{"num_ctx", int64_t{-1}}}), Error);
  EXPECT_THROW(resolve_load_options({{"num_batch", int64_t{0}}}), Error);
}

TEST(Thinking, LevelsAreFoundByTheirNames) {
  for (const Thinking level : {Thinking::off, Thinking::on, Thinking::low, Thinking::medium,
                               Thinking::high, Thinking::max})
    EXPECT_EQ(find_thinking(name(level)), level);
  EXPECT_EQ(name(Thinking::medium), "medium");
  EXPECT_FALSE(find_thinking("deeply"));
}

TEST(Capabilities, AreNamedAsOllamaNamesThem) {
  EXPECT_THAT(Capabilities{}.names(), IsEmpty());
  const Capabilities all = {true, true, true, true, true, true};
  EXPECT_THAT(all.names(),
              ElementsAre("completion", "tools", "insert", "embedding", "thinking", "rerank"));
  EXPECT_THAT((Capabilities{.completion = true, .thinking = true}.names()),
              ElementsAre("completion", "thinking"));
}

}  // namespace
}  // namespace hearth::serve
