// Encoders against plain float64 forward passes, alone and beside other texts; and what they
// refuse.
#include "hearth/llm/models/encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/llm/models/allocation_count.h"
#include "hearth/llm/models/float64_encoder.h"
#include "hearth/llm/models/model_runner.h"
#include "hearth/llm/models/random_encoder.h"

namespace hearth::llm {
namespace {

using formats::TensorType;
using testing::HasSubstr;
using Head = RandomEncoderOptions::Head;

constexpr int kTextsMax = 4;

std::vector<float> encode(const Encoder& encoder, std::span<const EncoderText> texts,
                          int threads = 2) {
  ThreadPool pool(threads);
  EncoderState state(encoder.config(), {.threads = threads, .tokens = 320, .texts = kTextsMax});
  const auto rows = encoder.forward(texts, state, pool);
  return {rows.begin(), rows.end()};
}

// Some thirty roundings of 2^-24 a layer, and norms that stretch them.
constexpr double kRounding = 2e-5;

struct Case {
  std::string name;
  RandomEncoderOptions options;
  double bound = kRounding;
};

const std::vector<Case>& cases() {
  // A head of 6 fills no vector, one of 80 several; 96 positions are three pages.
  static const std::vector<Case> all = {
      {"Bert", {}},
      {"BertWithoutBiases", {.biases = false}},
      {"BertFused", {.fused = true}},
      {"BertFusedWithoutBiases", {.fused = true, .biases = false}},
      {"BertHeadsOf6", {.dim = 30, .heads = 5, .ffn_dim = 50}},
      {"BertHeadsOf80", {.dim = 160, .heads = 2, .ffn_dim = 33}},
      {"BertWithoutSegments", {.token_types = 0}},
      {"BertOfOneSegment", {.token_types = 1}},
      {"BertOfOneLayer", {.layers = 1, .heads = 1}},
      {"BertF16", {.type = TensorType::f16}},
      {"Nomic", {.architecture = "nomic-bert", .fused = true, .biases = false}},
      {"NomicSplit", {.architecture = "nomic-bert"}},
      {"NomicHeadsOf6", {.architecture = "nomic-bert", .dim = 30, .heads = 5, .ffn_dim = 50}},
      // Activations are rounded to eight bits for quantised weights.
      {"BertQ8", {.type = TensorType::q8_0}, 2e-2},
  };
  return all;
}

class Encoders : public testing::TestWithParam<Case> {
 protected:
  RandomEncoder file_{GetParam().options};
  Encoder encoder_{file_.file()};
};

TEST_P(Encoders, AgreeWithFloat64) {
  for (int count : {1, 2, 31, 32, 33, 96}) {
    SCOPED_TRACE(count);
    const std::vector<int32_t> ids = random_encoder_ids(count, count);
    for (int second_from : {0, count / 2}) {
      const EncoderText text{.ids = ids, .second_from = second_from};
      EXPECT_LT(relative_error(encode(encoder_, {&text, 1}),
                               float64::encode(file_.file(), ids, second_from)),
                GetParam().bound);
    }
  }
}

TEST_P(Encoders, TextsOfABatchDoNotSeeEachOther) {
  const std::vector<std::vector<int32_t>> ids = {
      random_encoder_ids(70, 1), random_encoder_ids(1, 2), random_encoder_ids(33, 3),
      random_encoder_ids(96, 4)};
  std::vector<EncoderText> texts;
  for (const auto& one : ids) texts.push_back({.ids = one});
  texts[2].second_from = 7;
  const std::vector<float> together = encode(encoder_, texts);
  std::span<const float> rest(together);
  for (const EncoderText& text : texts) {
    const std::vector<float> alone = encode(encoder_, {&text, 1});
    EXPECT_LT(relative_error(rest.first(alone.size()), alone), GetParam().bound);
    rest = rest.subspan(alone.size());
  }
  EXPECT_TRUE(rest.empty());
}

TEST_P(Encoders, ThreadsGiveTheBitsOfOne) {
  const std::vector<int32_t> ids = random_encoder_ids(96, 9);
  const EncoderText text{.ids = ids};
  EXPECT_EQ(encode(encoder_, {&text, 1}, 1), encode(encoder_, {&text, 1}, 5));
}

INSTANTIATE_TEST_SUITE_P(Families, Encoders, testing::ValuesIn(cases()),
                         [](const auto& instance) { return instance.param.name; });

TEST(Encoder, EveryTokenSeesTheLast) {
  const RandomEncoder file({});
  const Encoder encoder(file.file());
  std::vector<int32_t> ids = random_encoder_ids(40, 1);
  const EncoderText text{.ids = ids};
  const std::vector<float> before = encode(encoder, {&text, 1});
  ids.back() = (ids.back() + 1) % random_encoder_vocab_size();
  const std::vector<float> after = encode(encoder, {&text, 1});
  EXPECT_GT(relative_error(std::span(after).first(64), std::span(before).first(64)), 1e-4);
}

TEST(Encoder, HeadsScoreTheFirstToken) {
  for (const Head head : {Head::output, Head::dense_and_output}) {
    const RandomEncoder file({.head = head});
    const Encoder encoder(file.file());
    ASSERT_TRUE(encoder.config().has_head);
    ThreadPool pool(1);
    EncoderState state(encoder.config(), {.threads = 1, .tokens = 96, .texts = 1});
    const std::vector<int32_t> ids = random_encoder_ids(20, 3);
    const EncoderText text{.ids = ids, .second_from = 9};
    const auto first = encoder.forward({&text, 1}, state, pool).first(64);
    const double want = float64::score(file.file(), float64::encode(file.file(), ids, 9)[0]);
    EXPECT_NEAR(encoder.score(first, state, pool), want, 1e-4);
  }
}

TEST(Encoder, AllocatesNothing) {
  for (const char* architecture : {"bert", "nomic-bert"}) {
    const RandomEncoder file({.architecture = architecture, .dim = 96});
    const Encoder encoder(file.file());
    ThreadPool pool(2);
    EncoderState state(encoder.config(), {.threads = 2, .tokens = 192, .texts = 2});
    const std::vector<int32_t> ids = random_encoder_ids(96, 3);
    const EncoderText texts[] = {{.ids = ids}, {.ids = ids, .second_from = 4}};
    const AllocationCount before;
    encoder.forward(texts, state, pool);
    EXPECT_EQ(before.since(), 0) << architecture;
  }
}

std::string refusal(const RandomEncoderOptions& options, Errc code) {
  const RandomEncoder file(options);
  try {
    const Encoder encoder(file.file());
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("model.gguf"));
    return error.what();
  }
  return "accepted";
}

TEST(EncoderLoading, RefusesWhatIsMissing) {
  for (const char* key : {"context_length", "embedding_length", "block_count",
                          "feed_forward_length", "attention.head_count"})
    EXPECT_THAT(refusal({.without = {fmt::format("{{a}}.{}", key)}}, Errc::corrupt_data),
                HasSubstr(fmt::format("bert.{}", key)));
  for (const char* tensor :
       {"token_embd.weight", "position_embd.weight", "token_embd_norm.bias", "blk.1.attn_q.weight",
        "blk.0.attn_output_norm.weight", "blk.1.ffn_down.weight", "blk.1.layer_output_norm.bias"})
    EXPECT_THAT(refusal({.without = {tensor}}, Errc::corrupt_data), HasSubstr(tensor));
}

TEST(EncoderLoading, RefusesWhatDoesNotFit) {
  EXPECT_THAT(refusal({.keys = {{"{a}.attention.head_count", uint32_t{5}}}}, Errc::corrupt_data),
              HasSubstr("64 elements do not divide into 5 heads"));
  EXPECT_THAT(refusal({.keys = {{"{a}.context_length", uint32_t{97}}}}, Errc::corrupt_data),
              HasSubstr("position_embd.weight"));
  EXPECT_THAT(refusal({.keys = {{"{a}.embedding_length", uint32_t{32}}}}, Errc::corrupt_data),
              HasSubstr("token_embd.weight"));
  EXPECT_THAT(refusal({.keys = {{"{a}.block_count", uint32_t{1}}}}, Errc::unsupported),
              HasSubstr("blk.1."));
  EXPECT_THAT(refusal({.keys = {{"{a}.pooling_type", uint32_t{5}}}}, Errc::unsupported),
              HasSubstr("'bert.pooling_type' is 5, known are 0 to 4"));
  EXPECT_THAT(
      refusal({.keys = {{"general.architecture", std::string("jina-bert-v2")}}, .without = {}},
              Errc::corrupt_data),
      HasSubstr("jina-bert-v2."));
}

TEST(EncoderLoading, OnlyEncodersAreEncoders) {
  EXPECT_TRUE(is_encoder("bert"));
  EXPECT_TRUE(is_encoder("nomic-bert"));
  EXPECT_FALSE(is_encoder("llama"));
  const RandomModel decoder({.keys = {{"{a}.attention.layer_norm_epsilon", 1e-5f}}});
  EXPECT_THROW(Encoder{decoder.file()}, Error);
}

}  // namespace
}  // namespace hearth::llm
