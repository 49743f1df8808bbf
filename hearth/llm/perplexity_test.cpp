#include "hearth/llm/perplexity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "hearth/base/error.h"
#include "hearth/llm/recall_model.h"
#include "hearth/llm/tiny_vocabulary.h"

namespace hearth::llm {
namespace {

constexpr int kVocab = 40;

std::vector<int32_t> random_ids(int count) {
  Rng rng(count);
  std::vector<int32_t> ids(count);
  for (int32_t& id : ids) id = static_cast<int32_t>(rng.below(kVocab));
  return ids;
}

// The definition, one window and one id at a time, in long double.
double expected_nll(const RecallModel& model, const std::vector<int32_t>& ids, size_t context) {
  long double sum = 0;
  for (size_t i = 1; i < ids.size(); ++i) {
    const size_t begin = (i - 1) / context * context;
    std::vector<float> logits(kVocab);
    model.logits(std::span(ids).subspan(begin, i - begin), logits);
    long double total = 0;
    for (float logit : logits) total += std::exp(static_cast<long double>(logit));
    sum -= logits[ids[i]] - std::log(total);
  }
  return static_cast<double>(sum / (ids.size() - 1));
}

TEST(Perplexity, CountsEveryTokenButTheFirstOnceInWindowsOfTheContext) {
  const RecallModel model({.vocab_size = kVocab, .context_length = 100});
  for (int count : {2, 3, 99, 100, 101, 102, 201, 250}) {
    SCOPED_TRACE(count);
    const auto ids = random_ids(count);
    const PerplexityResult result = perplexity(model, ids, {.kv_type = KvType::f32, .threads = 1});
    EXPECT_EQ(result.tokens, count - 1);
    EXPECT_EQ(result.windows, (count - 1 + 99) / 100);
    EXPECT_EQ(result.context, 100);
    // f64 sums of at most 250 terms of a few nats.
    EXPECT_NEAR(result.nll_per_token, expected_nll(model, ids, 100), 1e-12);
    EXPECT_DOUBLE_EQ(result.perplexity, std::exp(result.nll_per_token));
  }
}

TEST(Perplexity, ASmallerContextMakesMoreWindows) {
  const RecallModel model({.vocab_size = kVocab, .context_length = 100});
  const auto ids = random_ids(64);
  std::vector<int64_t> done;
  const PerplexityResult result = perplexity(model, ids,
                                             {.context = 7,
                                              .kv_type = KvType::f32,
                                              .threads = 1,
                                              .progress = [&](int64_t n, int64_t total) {
                                                EXPECT_EQ(total, 63);
                                                done.push_back(n);
                                              }});
  EXPECT_EQ(result.windows, 9);
  EXPECT_THAT(done, testing::ElementsAre(7, 14, 21, 28, 35, 42, 49, 56, 63));
  EXPECT_NEAR(result.nll_per_token, expected_nll(model, ids, 7), 1e-12);
}

TEST(Perplexity, ATextBeginsWithBosAndHasNoEnd) {
  const RecallModel model({.vocab_size = kTinySize, .context_length = 100});
  const TinyVocabulary vocabulary;
  std::vector<int32_t> ids = vocabulary.tokenizer->encode("a0b0", {.add_special = false});
  ids.insert(ids.begin(), kTinyBos);
  const PerplexityOptions options{.kv_type = KvType::f32, .threads = 1};
  EXPECT_EQ(perplexity(model, *vocabulary.tokenizer, "a0b0", options).nll_per_token,
            perplexity(model, ids, options).nll_per_token);
}

TEST(Perplexity, RefusesATextThatPredictsNothing) {
  const RecallModel model({.vocab_size = kVocab, .context_length = 100});
  const auto message_of = [&](const std::vector<int32_t>& ids, int context) -> std::string {
    try {
      perplexity(model, ids, {.context = context, .threads = 1});
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Errc::invalid_argument);
      return e.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message_of({7}, 0), "text: 1 tokens, at least 2 are needed to predict one");
  EXPECT_EQ(message_of({7, 8, 9}, 101),
            "context: 101 is not between 2 and 100, the positions the model was trained for");
  EXPECT_EQ(message_of({1, kVocab}, 0), "text[1]: id 40 is not between 0 and 39");
}

TEST(Perplexity, LogSoftmaxSurvivesLargeLogits) {
  // ln(e^1000 + e^999) - 999 = 1 + ln(1 + e^-1).
  const std::vector<float> logits = {1000, 999};
  EXPECT_NEAR(negative_log_likelihood(logits, 1), 1 + std::log1p(std::exp(-1.0)), 1e-12);
  const std::vector<float> banned = {0, -std::numeric_limits<float>::infinity()};
  EXPECT_EQ(negative_log_likelihood(banned, 0), 0);
}

}  // namespace
}  // namespace hearth::llm
