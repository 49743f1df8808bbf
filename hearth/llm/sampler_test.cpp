#include "hearth/llm/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "hearth/base/error.h"

namespace hearth::llm {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Everything off: samples the plain softmax.
SamplingParams plain(uint64_t seed = 1) {
  return {.temperature = 1, .top_k = 0, .top_p = 1, .repeat_last_n = 0, .seed = seed};
}

SamplingParams greedy() { return {.temperature = 0}; }

std::vector<float> random_logits(int vocab, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> logits(vocab);
  for (float& x : logits) x = 2 * rng.normal();
  return logits;
}

std::map<int32_t, int> draw_many(const SamplingParams& params, const std::vector<float>& logits,
                                 int draws, const std::vector<int32_t>& history = {}) {
  Sampler sampler(params, static_cast<int>(logits.size()));
  std::map<int32_t, int> counts;
  for (int i = 0; i < draws; ++i) ++counts[sampler.sample(logits, history).token];
  return counts;
}

using Distribution = std::map<int32_t, double>;

Distribution softmax(const std::map<int32_t, double>& logits, double temperature = 1) {
  double max = -INFINITY, sum = 0;
  for (const auto& [token, x] : logits) max = std::max(max, x);
  Distribution p;
  for (const auto& [token, x] : logits) sum += p[token] = std::exp((x - max) / temperature);
  for (auto& [token, x] : p) x /= sum;
  return p;
}

/// Pearson's statistic against exact probabilities, as standard deviations above its mean: for d
/// degrees of freedom its mean is d and its variance 2 d.
double chi_square_excess(const std::map<int32_t, int>& counts, const Distribution& expected,
                         int draws) {
  double statistic = 0;
  for (const auto& [token, p] : expected) {
    const auto at = counts.find(token);
    const double difference = (at == counts.end() ? 0 : at->second) - p * draws;
    statistic += difference * difference / (p * draws);
  }
  const double d = std::max<double>(1, double(expected.size()) - 1);
  return (statistic - d) / std::sqrt(2 * d);
}

TEST(Sampler, DrawsFollowTheSoftmax) {
  const std::vector<float> logits = {0.5f, -1, 2, 0, 1.5f, -0.5f};
  for (const float temperature : {0.5f, 1.0f, 2.0f})
    for (const uint64_t seed : {1, 2, 3}) {
      SamplingParams params = plain(seed);
      params.temperature = temperature;
      std::map<int32_t, double> exact;
      for (int i = 0; i < 6; ++i) exact[i] = logits[i];
      const auto counts = draw_many(params, logits, 50000);
      EXPECT_LT(chi_square_excess(counts, softmax(exact, temperature), 50000), 5)
          << temperature << " seed " << seed;
    }
}

TEST(Sampler, TheStatisticSeesAWrongTemperature) {
  const std::vector<float> logits = {0.5f, -1, 2, 0};
  const auto counts = draw_many(plain(), logits, 50000);
  EXPECT_GT(chi_square_excess(counts, softmax({{0, 0.5}, {1, -1}, {2, 2}, {3, 0}}, 1.1), 50000), 5);
}

TEST(Sampler, EqualSeedsGiveEqualTokensAndOthersDoNot) {
  const auto logits = random_logits(1000, 9);
  Sampler a(plain(7), 1000), b(plain(7), 1000), c(plain(8), 1000);
  int same = 0;
  for (int i = 0; i < 100; ++i) {
    const int32_t token = a.sample(logits, {}).token;
    EXPECT_EQ(token, b.sample(logits, {}).token);
    same += token == c.sample(logits, {}).token;
  }
  EXPECT_LT(same, 30);
}

TEST(Sampler, GreedyTakesTheFirstOfEqualMaxima) {
  Sampler sampler(greedy(), 5);
  EXPECT_EQ(sampler.sample(std::vector<float>{1, 3, 2, 3, 0}, {}).token, 1);
  EXPECT_EQ(sampler.sample(std::vector<float>{-1, -3, -2, -0.5f, -0.5f}, {}).token, 3);
}

TEST(Sampler, NotANumberIsNeverChosen) {
  const std::vector<float> logits = {kNan, -5, kNan, -6, kNan};
  Sampler sampler(greedy(), 5);
  EXPECT_EQ(sampler.sample(logits, {}).token, 1);
  for (SamplingParams params : {plain(), SamplingParams{.top_k = 4, .typical_p = 0.9f},
                                SamplingParams{.top_k = 0, .min_p = 0.1f}})
    for (const auto& [token, count] : draw_many(params, logits, 200))
      EXPECT_TRUE(token == 1 || token == 3) << token;
}

TEST(Sampler, WhenNothingIsPossibleTheAnswerIsTokenZero) {
  for (const float bad : {kNan, -kInf})
    for (SamplingParams params :
         {greedy(), plain(), SamplingParams{.typical_p = 0.5f, .logprobs = 2}}) {
      Sampler sampler(params, 4);
      const Sample sample = sampler.sample(std::vector<float>(4, bad), {});
      EXPECT_EQ(sample.token, 0);
      if (params.logprobs > 0) {
        EXPECT_EQ(sample.chosen.logprob, -kInf);
        EXPECT_EQ(sample.top.size(), 2u);
      }
    }
}

TEST(Sampler, AnInfiniteLogitWins) {
  const std::vector<float> logits = {1, kInf, 3};
  for (SamplingParams params : {greedy(), plain(), SamplingParams{.typical_p = 0.9f}})
    EXPECT_EQ(draw_many(params, logits, 50), (std::map<int32_t, int>{{1, 50}}));
}

TEST(Sampler, AVocabularyOfOneHasOneAnswer) {
  for (SamplingParams params : {greedy(), plain(), SamplingParams{.logprobs = 5}}) {
    Sampler sampler(params, 1);
    const Sample sample = sampler.sample(std::vector<float>{-3}, {});
    EXPECT_EQ(sample.token, 0);
    if (params.logprobs >= 0) {
      EXPECT_EQ(sample.chosen.logprob, 0);
      ASSERT_EQ(sample.top.size(), 1u);
    }
  }
}

// The truncations by their definitions: everything sorted, in float64.
using Tokens = std::vector<std::pair<int32_t, double>>;  // logits, likelier first

std::vector<double> probabilities(const Tokens& tokens) {
  std::map<int32_t, double> logits(tokens.begin(), tokens.end());
  const Distribution p = softmax(logits);
  std::vector<double> out;
  for (const auto& [token, x] : tokens) out.push_back(p.at(token));
  return out;
}

void sort_likelier(Tokens& tokens) {
  std::sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
}

void keep_prefix(Tokens& tokens, const std::vector<double>& p, double mass) {
  double sum = 0;
  for (size_t i = 0; i < tokens.size(); ++i)
    if ((sum += p[i]) >= mass) return tokens.resize(i + 1);
}

void typical(Tokens& tokens, double mass) {
  const auto p = probabilities(tokens);
  double entropy = 0;
  for (const double x : p) entropy -= x * std::log(x);
  std::vector<size_t> order(tokens.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::fabs(std::log(p[a]) + entropy) < std::fabs(std::log(p[b]) + entropy);
  });
  Tokens ordered;
  std::vector<double> ordered_p;
  for (const size_t i : order) ordered.push_back(tokens[i]), ordered_p.push_back(p[i]);
  keep_prefix(ordered, ordered_p, mass);
  tokens = ordered;
  sort_likelier(tokens);
}

Tokens truncated(const std::vector<float>& logits, const SamplingParams& params) {
  Tokens tokens;
  for (size_t i = 0; i < logits.size(); ++i) tokens.emplace_back(i, logits[i]);
  sort_likelier(tokens);
  if (params.top_k > 0 && size_t(params.top_k) < tokens.size()) tokens.resize(params.top_k);
  if (params.typical_p < 1) typical(tokens, params.typical_p);
  if (params.top_p < 1) keep_prefix(tokens, probabilities(tokens), params.top_p);
  if (params.min_p > 0) {
    const auto p = probabilities(tokens);
    size_t kept = 0;
    while (kept < tokens.size() && p[kept] >= params.min_p * p[0]) ++kept;
    tokens.resize(kept);
  }
  return tokens;
}

TEST(Sampler, TruncationsKeepWhatTheirDefinitionsKeep) {
  for (const int vocab : {2, 17, 300})
    for (const int top_k : {0, 1, 5, 200})
      for (const float typical_p : {1.0f, 0.7f, 0.2f})
        for (const float top_p : {1.0f, 0.8f, 0.0f})
          for (const float min_p : {0.0f, 0.05f, 1.0f}) {
            SamplingParams params = plain(vocab);
            params.temperature = 1.7f;
            params.top_k = top_k;
            params.typical_p = typical_p;
            params.top_p = top_p;
            params.min_p = min_p;
            SCOPED_TRACE(fmt::format("vocab {} k {} typical {} p {} min {}", vocab, top_k,
                                     typical_p, top_p, min_p));
            const auto logits = random_logits(vocab, vocab + top_k);
            const Tokens kept = truncated(logits, params);
            const Distribution p = softmax({kept.begin(), kept.end()}, params.temperature);
            const auto counts = draw_many(params, logits, 500);
            for (const auto& [token, count] : counts)
              EXPECT_TRUE(p.contains(token)) << "drew " << token;
            // Tokens that 500 draws miss with a probability below e^-20.
            for (const auto& [token, probability] : p)
              EXPECT_TRUE(probability < 0.04 || counts.contains(token)) << "never " << token;
          }
}

TEST(Sampler, WhatIsKeptIsDrawnByItsProbability) {
  SamplingParams params = plain(4);
  params.top_k = 30;
  params.top_p = 0.8f;
  params.temperature = 1.5f;
  const auto logits = random_logits(1000, 12);
  const Tokens kept = truncated(logits, params);
  ASSERT_GT(kept.size(), 5u);
  EXPECT_LT(chi_square_excess(draw_many(params, logits, 50000),
                              softmax({kept.begin(), kept.end()}, 1.5), 50000),
            5);
}

TEST(Sampler, TopKOfEqualLogitsKeepsTheLowestIds) {
  SamplingParams params = plain();
  params.top_k = 3;
  EXPECT_THAT(draw_many(params, std::vector<float>(500, 1.0f), 300),
              testing::ElementsAre(testing::Key(0), testing::Key(1), testing::Key(2)));
}

TEST(Sampler, LargeTopKKeepsExactlyTheLargest) {
  SamplingParams params = plain();
  params.temperature = 100;  // flat: what is kept is drawn about equally often
  params.top_k = 1500;
  const auto logits = random_logits(2000, 21);
  std::map<int32_t, double> kept;
  for (const auto& [token, logit] : truncated(logits, params)) kept[token] = logit;
  const auto counts = draw_many(params, logits, 30000);
  for (const auto& [token, count] : counts) ASSERT_TRUE(kept.contains(token)) << token;
  EXPECT_EQ(counts.size(), kept.size());  // 20 draws each: all are seen but for a chance of 3e-6
}

TEST(Sampler, AFlatDistributionOfManyTokensIsCutAtItsMass) {
  SamplingParams params = plain();
  params.top_p = 0.5f;
  // 4,096 equal tokens: half the mass is the first 2,048, or one more or less by rounding.
  for (const auto& [token, count] : draw_many(params, std::vector<float>(4096, 0.0f), 300))
    EXPECT_LE(token, 2048);
}

TEST(Sampler, PenaltiesPushRepeatedTokensDown) {
  const std::vector<float> logits = {4, 3.9f, 3.8f, -1};
  const std::vector<int32_t> history = {3, 0, 0, 1};
  const auto choice = [&](SamplingParams params) {
    params.temperature = 0;
    return Sampler(params, 4).sample(logits, history).token;
  };
  EXPECT_EQ(choice({}), 0);
  EXPECT_EQ(choice({.repeat_penalty = 1.5f}), 2);                          // 2.67, 2.6, 3.8
  EXPECT_EQ(choice({.presence_penalty = 0.15f}), 0);                       // 3.85, 3.75, 3.8
  EXPECT_EQ(choice({.presence_penalty = 0.3f}), 2);                        // 3.7, 3.6, 3.8
  EXPECT_EQ(choice({.frequency_penalty = 0.08f}), 0);                      // 3.84, 3.82, 3.8
  EXPECT_EQ(choice({.frequency_penalty = 0.095f}), 0);                     // 3.81, 3.805, 3.8
  EXPECT_EQ(choice({.frequency_penalty = 0.11f}), 2);                      // 3.78, 3.79, 3.8
  EXPECT_EQ(choice({.frequency_penalty = 0.15f, .repeat_last_n = 1}), 0);  // only 1 is punished
  EXPECT_EQ(choice({.repeat_penalty = 1.5f, .repeat_last_n = 0}), 0);
  EXPECT_EQ(choice({.repeat_penalty = 1.5f, .repeat_last_n = -1}), 2);
}

TEST(Sampler, ARepeatedNegativeLogitIsMultiplied) {
  SamplingParams params = {.temperature = 0, .repeat_penalty = 2};
  const std::vector<int32_t> history = {0};
  EXPECT_EQ(Sampler(params, 2).sample(std::vector<float>{-1, -1.5f}, history).token, 1);
}

TEST(Sampler, PenaltiesAreForgottenBetweenCalls) {
  SamplingParams params = {.temperature = 0, .presence_penalty = 5};
  Sampler sampler(params, 3);
  const std::vector<float> logits = {2, 1, 0};
  const std::vector<int32_t> zero = {0, 0}, one = {1};
  EXPECT_EQ(sampler.sample(logits, zero).token, 1);
  EXPECT_EQ(sampler.sample(logits, one).token, 0);
}

TEST(Sampler, ABiasIsAddedBeforeEverythingElse) {
  SamplingParams params = greedy();
  params.logit_bias = {{2, 5.0f}, {0, -kInf}};
  const std::vector<float> logits = {10, 1, 0};
  EXPECT_EQ(Sampler(params, 3).sample(logits, {}).token, 2);
  params.logit_bias = {{0, -kInf}};
  EXPECT_EQ(Sampler(params, 3).sample(logits, {}).token, 1);
}

TEST(Sampler, LogprobsAreThoseOfTheBiasedLogits) {
  SamplingParams params = {.temperature = 0, .presence_penalty = 50};
  params.logit_bias = {{1, std::log(2.0f)}};
  params.logprobs = 2;
  // e^logit after bias: 4, 2, 1, 1; together 8.
  const std::vector<float> logits = {std::log(4.0f), 0, 0, 0};
  const std::vector<int32_t> history = {0};
  const Sample sample = Sampler(params, 4).sample(logits, history);
  EXPECT_EQ(sample.token, 1);
  EXPECT_NEAR(sample.chosen.logprob, std::log(2.0 / 8), 1e-6);
  ASSERT_EQ(sample.top.size(), 2u);
  EXPECT_EQ(sample.top[0].token, 0);
  EXPECT_NEAR(sample.top[0].logprob, std::log(4.0 / 8), 1e-6);
  EXPECT_EQ(sample.top[1].token, 1);
  EXPECT_NEAR(sample.top[1].logprob, std::log(2.0 / 8), 1e-6);
}

TEST(Sampler, WithoutLogprobsNoneAreReported) {
  const Sample sample = Sampler(greedy(), 2).sample(std::vector<float>{1, 2}, {});
  EXPECT_TRUE(std::isnan(sample.chosen.logprob));
  EXPECT_TRUE(sample.top.empty());
}

TEST(Sampler, OnlyTheChosenLogprobWhenNoAlternativesAreAskedFor) {
  SamplingParams params = greedy();
  params.logprobs = 0;
  const Sample sample = Sampler(params, 2).sample(std::vector<float>{0, 0}, {});
  EXPECT_NEAR(sample.chosen.logprob, std::log(0.5), 1e-6);
  EXPECT_TRUE(sample.top.empty());
}

std::string refusal(const SamplingParams& params, int vocab_size = 10) {
  try {
    Sampler sampler(params, vocab_size);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Errc::invalid_argument);
    return e.what();
  }
  return "";
}

TEST(Sampler, ParametersOutOfRangeAreNamed) {
  EXPECT_EQ(refusal({.temperature = -1}), "temperature: -1 is not between 0 and 100");
  EXPECT_EQ(refusal({.temperature = kNan}), "temperature: nan is not between 0 and 100");
  EXPECT_EQ(refusal({.top_k = -1}), "top_k: -1 is not between 0 and 2147483647");
  EXPECT_EQ(refusal({.top_p = 1.5f}), "top_p: 1.5 is not between 0 and 1");
  EXPECT_EQ(refusal({.min_p = -0.5f}), "min_p: -0.5 is not between 0 and 1");
  EXPECT_EQ(refusal({.typical_p = 2}), "typical_p: 2 is not between 0 and 1");
  EXPECT_EQ(refusal({.repeat_penalty = 0}), "repeat_penalty: 0 is not between 0.01 and 100");
  EXPECT_EQ(refusal({.presence_penalty = 101}),
            "presence_penalty: 101 is not between -100 and 100");
  EXPECT_EQ(refusal({.frequency_penalty = -kInf}),
            "frequency_penalty: -inf is not between -100 and 100");
  EXPECT_EQ(refusal({.repeat_last_n = -2}), "repeat_last_n: -2 is not between -1 and 2147483647");
  EXPECT_EQ(refusal({.logprobs = 101}), "logprobs: 101 is not between -1 and 100");
  EXPECT_EQ(refusal({.logit_bias = {{10, 1.0f}}}), "logit_bias: token 10 is not between 0 and 9");
  EXPECT_EQ(refusal({.logit_bias = {{3, kInf}}}),
            "logit_bias: inf for token 3 must be a number below infinity");
  EXPECT_EQ(refusal({}, 0), "vocab_size: 0 is not between 1 and 2147483647");
}

TEST(Sampler, AMaskLeavesOnlyTheAllowedTokensToChoiceDrawAndLogprobs) {
  const std::vector<float> logits = {5, 1, 2, 4, 0};
  const std::vector<uint64_t> mask = {0b10110};  // 1, 2 and 4
  const TokenMask allowed(mask);
  EXPECT_EQ(Sampler(greedy(), 5).sample(logits, {}, allowed).token, 2);

  SamplingParams params = plain();
  params.logprobs = 4;
  params.logit_bias = {{4, 1.0f}, {0, 9.0f}};  // a bias brings no token back
  Sampler sampler(params, 5);
  // Of e^1, e^2 and e^1.
  const double sum = std::exp(1) + std::exp(2) + std::exp(1);
  std::map<int32_t, int> counts;
  for (int i = 0; i < 10'000; ++i) {
    const Sample sample = sampler.sample(logits, {}, allowed);
    ++counts[sample.token];
    ASSERT_EQ(sample.top.size(), 3u);
    EXPECT_NEAR(sample.top[0].logprob, 2 - std::log(sum), 1e-6);
    EXPECT_NEAR(sample.chosen.logprob, (sample.token == 2 ? 2 : 1) - std::log(sum), 1e-6);
  }
  EXPECT_LT(
      chi_square_excess(
          counts, {{1, std::exp(1) / sum}, {2, std::exp(2) / sum}, {4, std::exp(1) / sum}}, 10'000),
      5);
}

}  // namespace
}  // namespace hearth::llm
