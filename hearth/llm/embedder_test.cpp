#include "hearth/llm/embedder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <future>

#include "hearth/base/error.h"
#include "hearth/llm/models/float64_encoder.h"
#include "hearth/llm/models/float64_math.h"
#include "hearth/llm/models/model_runner.h"
#include "hearth/llm/models/random_encoder.h"

namespace hearth::llm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using Ids = std::vector<int32_t>;

constexpr double kRounding = 2e-5;

RandomEncoderOptions with_pooling(uint32_t pooling) {
  return {.keys = {{"{a}.pooling_type", pooling}}};
}

std::string refusal(Errc code, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  return "accepted";
}

TEST(EncoderEmbedder, PoolsAsTheFileSays) {
  const Ids ids = random_encoder_ids(37, 5);
  struct Row {
    uint32_t type;
    Pooling pooling;
  };
  for (const Row& row : {Row{0, Pooling::mean}, Row{1, Pooling::mean}, Row{2, Pooling::first},
                         Row{3, Pooling::last}, Row{4, Pooling::rank}}) {
    SCOPED_TRACE(row.type);
    const RandomEncoder file(with_pooling(row.type));
    const auto embedder = make_encoder_embedder(file.file(), {.threads = 2});
    EXPECT_EQ(embedder->pooling(), row.pooling);
    const auto rows = float64::encode(file.file(), ids);
    std::vector<double> want(64);
    if (row.pooling == Pooling::mean)
      for (const auto& one : rows) want = float64::add(want, float64::times(1.0 / 37, one));
    else
      want = row.pooling == Pooling::last ? rows.back() : rows.front();
    EXPECT_LT(relative_error(embedder->embed({&ids, 1}, {})[0], {want}), kRounding);
  }
}

TEST(EncoderEmbedder, ManyTextsAreEachAsAlone) {
  const RandomEncoder file({});
  const auto embedder = make_encoder_embedder(file.file(), {.threads = 2});
  EXPECT_EQ(embedder->dim(), 64);
  EXPECT_EQ(embedder->context(), 96);
  // More texts than a batch takes, and more tokens.
  std::vector<Ids> texts;
  for (int i = 0; i < 150; ++i) texts.push_back(random_encoder_ids(1 + i * 7 % 96, i));
  for (int i = 0; i < 150; ++i) texts.push_back(random_encoder_ids(1, i));
  const auto vectors = embedder->embed(texts, {});
  ASSERT_THAT(vectors, SizeIs(texts.size()));
  for (size_t i = 0; i < texts.size(); ++i)
    EXPECT_LT(relative_error(vectors[i], embedder->embed({&texts[i], 1}, {})[0]), kRounding) << i;
  EXPECT_THAT(embedder->embed({}, {}), SizeIs(0));
}

TEST(EncoderEmbedder, ScoresPairs) {
  const RandomEncoder file({.head = RandomEncoderOptions::Head::dense_and_output});
  const auto embedder = make_encoder_embedder(file.file(), {.threads = 1});
  ASSERT_TRUE(embedder->can_score());
  std::vector<TextPair> pairs;
  for (int i = 0; i < 70; ++i) pairs.push_back({random_encoder_ids(20 + i % 5, i), 3 + i % 9});
  const std::vector<float> scores = embedder->score(pairs, {});
  ASSERT_THAT(scores, SizeIs(70));
  for (size_t i = 0; i < pairs.size(); i += 23) {
    const auto rows = float64::encode(file.file(), pairs[i].ids, size_t(pairs[i].second_from));
    EXPECT_NEAR(scores[i], float64::score(file.file(), rows[0]), 1e-4);
  }
}

TEST(EncoderEmbedder, RefusesWhatItCannotTake) {
  const RandomEncoder file({});
  const auto embedder = make_encoder_embedder(file.file(), {.context = 50, .threads = 1});
  EXPECT_EQ(embedder->context(), 50);
  const auto embed = [&](Ids ids) { embedder->embed({&ids, 1}, {}); };
  EXPECT_THAT(refusal(Errc::invalid_argument, [&] { embed({}); }), HasSubstr("no tokens"));
  EXPECT_THAT(refusal(Errc::invalid_argument,
                      [&] {
                        embed({1, random_encoder_vocab_size()});
                      }),
              HasSubstr("input"));
  EXPECT_THAT(refusal(Errc::invalid_argument, [&] { embed({-1}); }), HasSubstr("input"));
  EXPECT_THAT(refusal(Errc::too_long, [&] { embed(random_encoder_ids(51, 1)); }),
              HasSubstr("51 tokens, the context holds 50"));
  EXPECT_THAT(refusal(Errc::unsupported, [&] { embedder->score({}, {}); }), HasSubstr("no head"));
}

TEST(EncoderEmbedder, StopsWhenCancelled) {
  const RandomEncoder file({});
  const auto embedder = make_encoder_embedder(file.file(), {.threads = 1});
  std::stop_source source;
  source.request_stop();
  const Ids ids = {1, 2};
  EXPECT_THAT(refusal(Errc::unavailable,
                      [&] {
                        embedder->embed({&ids, 1}, source.get_token());
                      }),
              HasSubstr("cancelled"));
}

// With the encoder to itself, the long call would end before anybody could cancel it.
TEST(EncoderEmbedder, CallsTakeTurnsAfterEachBatch) {
  const RandomEncoder file({.context_length = 4096});
  const auto embedder = make_encoder_embedder(file.file(), {.threads = 1});
  const std::vector<Ids> many(100'000, random_encoder_ids(60, 1));
  std::stop_source source;
  auto long_call = std::async(std::launch::async, [&] {
    return refusal(Errc::unavailable, [&] { embedder->embed(many, source.get_token()); });
  });
  for (int i = 0; i < 3; ++i) EXPECT_THAT(embedder->embed({&many[0], 1}, {}), SizeIs(1));
  source.request_stop();
  EXPECT_THAT(long_call.get(), HasSubstr("cancelled"));
}

class DecoderEmbedder : public testing::TestWithParam<const char*> {};

// Logits are the output matrix times the vector, which is how the vector can be told.
TEST_P(DecoderEmbedder, GivesWhatTheOutputMatrixSees) {
  const RandomModel file(
      {.architecture = GetParam(), .context_length = 1200, .tied_output = true, .biases = true});
  const auto model = Model::load(file.file());
  const auto embedder = make_decoder_embedder(*model, Pooling::last, {.threads = 2});
  // The longer text takes several batches.
  for (int count : {1, 40, 700}) {
    const Ids ids = random_ids(count, 5);
    const std::vector<float> vector = embedder->embed({&ids, 1}, {})[0];
    ASSERT_THAT(vector, SizeIs(64));
    std::vector<double> want = float64::product(float64::matrix(file.file(), "token_embd.weight"),
                                                {vector.begin(), vector.end()});
    // gemma2 caps its logits at 30 where its file is silent.
    const bool is_capped = std::string_view(GetParam()) == "gemma2";
    if (is_capped)
      for (double& logit : want) logit = float64::soft_cap(logit, 30);
    const std::vector<float> logits = run_model(*model, ids, {.kv = KvType::f16});
    EXPECT_LT(relative_error(std::span(logits).last(want.size()), {want}), 1e-4) << count;
  }
}

TEST_P(DecoderEmbedder, PoolsAsAsked) {
  const RandomModel file({.architecture = GetParam()});
  const auto model = Model::load(file.file());
  const Ids ids = random_ids(9, 3);
  const auto vector = [&](Pooling pooling, size_t count) {
    const Ids part(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(count));
    return make_decoder_embedder(*model, pooling, {.threads = 1})->embed({&part, 1}, {})[0];
  };
  std::vector<double> mean(64);
  for (size_t count = 1; count <= ids.size(); ++count) {
    const std::vector<float> last = vector(Pooling::last, count);
    mean = float64::add(mean, float64::times(1.0 / 9, {last.begin(), last.end()}));
  }
  EXPECT_LT(relative_error(vector(Pooling::mean, 9), {mean}), 1e-3);
  EXPECT_LT(relative_error(vector(Pooling::first, 9), vector(Pooling::last, 1)), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Families, DecoderEmbedder,
                         testing::Values("llama", "mistral3", "qwen2", "qwen3", "gemma2", "gemma3",
                                         "phi3"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST(DecoderEmbedder, RefusesWhatItCannotTake) {
  const RandomModel file({});
  const auto model = Model::load(file.file());
  const auto embedder = make_decoder_embedder(*model, Pooling::last, {.context = 8, .threads = 1});
  const auto embed = [&](Ids ids) { embedder->embed({&ids, 1}, {}); };
  EXPECT_THAT(refusal(Errc::invalid_argument, [&] { embed({}); }), HasSubstr("no tokens"));
  EXPECT_THAT(refusal(Errc::invalid_argument, [&] { embed({random_model_vocab_size()}); }),
              HasSubstr("input"));
  EXPECT_THAT(refusal(Errc::too_long, [&] { embed(random_ids(9, 1)); }),
              HasSubstr("9 tokens, the context holds 8"));
  EXPECT_FALSE(embedder->can_score());
  EXPECT_THAT(refusal(Errc::unsupported, [&] { embedder->score({}, {}); }), HasSubstr("no head"));
}

TEST(ShapeEmbedding, CutsThenNormalises) {
  std::vector<float> vector = {3, 4, 12};
  shape_embedding(vector, 0, false);
  EXPECT_THAT(vector, ElementsAre(3, 4, 12));
  shape_embedding(vector, 2, true);
  EXPECT_THAT(vector, ElementsAre(0.6f, 0.8f));
  std::vector<float> zero = {0, 0};
  shape_embedding(zero, 2, true);
  EXPECT_THAT(zero, ElementsAre(0, 0));
  EXPECT_THAT(refusal(Errc::invalid_argument, [&] { shape_embedding(zero, 3, true); }),
              HasSubstr("dimensions is 3, the model has 2"));
  EXPECT_THAT(refusal(Errc::invalid_argument, [&] { shape_embedding(zero, -1, true); }),
              HasSubstr("dimensions is -1"));
}

}  // namespace
}  // namespace hearth::llm
