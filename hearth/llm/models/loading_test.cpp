// What Model::load refuses, and what its messages name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "hearth/llm/models/model_runner.h"
#include "hearth/llm/models/random_model.h"

namespace hearth::llm {
namespace {

using formats::GgufArray;
using formats::GgufValue;
using testing::HasSubstr;

struct Refusal {
  Errc code;
  std::string message;
};

Refusal refusal(const RandomModelOptions& options) {
  const RandomModel file(options);
  try {
    Model::load(file.file());
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("model.gguf"));
    return {error.code(), error.what()};
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

Refusal refusal_of_key(std::string key, GgufValue value) {
  return refusal({.keys = {{std::move(key), std::move(value)}}});
}

MATCHER_P2(IsRefusal, code, part, "") {
  *result_listener << "message: " << arg.message;
  return arg.code == code && arg.message.find(part) != std::string::npos;
}

TEST(Loading, RefusesUnknownArchitecturesAndNamesTheKnown) {
  EXPECT_THAT(refusal_of_key("general.architecture", std::string("mamba")),
              IsRefusal(Errc::unsupported, "'mamba' is not one of gemma2, gemma3, llama"));
}

TEST(Loading, RefusesMixturesOfExperts) {
  EXPECT_THAT(refusal_of_key("{a}.expert_count", uint32_t{8}),
              IsRefusal(Errc::unsupported,
                        "mixture of experts is not supported ('llama.expert_count' is 8)"));
}

TEST(Loading, RefusesNumbersOutOfRange) {
  for (const char* key : {"block_count", "embedding_length", "feed_forward_length",
                          "context_length", "attention.head_count", "attention.head_count_kv",
                          "attention.key_length", "attention.value_length"})
    for (uint32_t value : {0u, 0xFFFFFFFFu}) {
      SCOPED_TRACE(fmt::format("{} = {}", key, value));
      EXPECT_THAT(refusal_of_key("{a}." + std::string(key), value),
                  IsRefusal(Errc::corrupt_data,
                            fmt::format("'llama.{}' is {}, allowed are 1 to", key, value)));
    }
  EXPECT_THAT(refusal_of_key("{a}.block_count", int32_t{-3}),
              IsRefusal(Errc::corrupt_data, "'llama.block_count' is -3"));
}

TEST(Loading, RefusesRealsOutOfRange) {
  const std::string eps = "{a}.attention.layer_norm_rms_epsilon", base = "{a}.rope.freq_base";
  EXPECT_THAT(refusal_of_key(eps, -1.0f),
              IsRefusal(Errc::corrupt_data, "is -1, allowed are 0 to 1"));
  EXPECT_THAT(refusal_of_key(eps, NAN), IsRefusal(Errc::corrupt_data, "is nan"));
  EXPECT_THAT(refusal_of_key(base, 0.0f),
              IsRefusal(Errc::corrupt_data, "'llama.rope.freq_base' is 0"));
  EXPECT_THAT(refusal_of_key(base, INFINITY), IsRefusal(Errc::corrupt_data, "is inf"));
}

TEST(Loading, RefusesKeysOfAnotherType) {
  EXPECT_THAT(refusal_of_key("{a}.block_count", std::string("three")),
              IsRefusal(Errc::corrupt_data, "llama.block_count"));
}

TEST(Loading, RefusesHeadsThatDoNotFit) {
  EXPECT_THAT(refusal_of_key("{a}.attention.head_count_kv", uint32_t{3}),
              IsRefusal(Errc::corrupt_data, "4 attention heads cannot share 3 key-value heads"));
  EXPECT_THAT(refusal_of_key("{a}.attention.key_length", uint32_t{15}),
              IsRefusal(Errc::corrupt_data, "heads of 15 elements cannot rotate in pairs"));
  EXPECT_THAT(
      refusal_of_key("{a}.rope.dimension_count", uint32_t{18}),
      IsRefusal(Errc::corrupt_data, "'llama.rope.dimension_count' is 18, allowed are 2 to 16"));
  EXPECT_THAT(refusal_of_key("{a}.rope.dimension_count", uint32_t{7}),
              IsRefusal(Errc::corrupt_data, "it must be even"));
}

TEST(Loading, TakesOneNumberPerLayerIfTheyAreEqual) {
  const auto heads = [](std::vector<uint32_t> per_layer) -> GgufValue {
    return GgufArray{std::move(per_layer)};
  };
  const RandomModel equal({.keys = {{"{a}.attention.head_count_kv", heads({2, 2, 2})}}});
  EXPECT_EQ(Model::load(equal.file())->config().kv_heads, 2);
  EXPECT_THAT(
      refusal_of_key("{a}.attention.head_count_kv", heads({2, 1, 2})),
      IsRefusal(Errc::unsupported, "'llama.attention.head_count_kv' differs between layers"));
  EXPECT_THAT(refusal_of_key("{a}.attention.head_count_kv", heads({0, 0, 0})),
              IsRefusal(Errc::corrupt_data, "holds 0, allowed are 1 to"));
}

TEST(Loading, RefusesShapesThatContradictTheConfiguration) {
  EXPECT_THAT(
      refusal_of_key("{a}.feed_forward_length", uint32_t{97}),
      IsRefusal(Errc::corrupt_data,
                "tensor 'blk.0.ffn_gate.weight' has shape [64, 96], the configuration needs "
                "[64, 97]"));
  EXPECT_THAT(refusal_of_key("{a}.attention.value_length", uint32_t{8}),
              IsRefusal(Errc::corrupt_data, "tensor 'blk.0.attn_v.weight' has shape [64, 32]"));
}

TEST(Loading, RefusesTensorsOfTypesThatHoldNoWeights) {
  const std::string norm = "blk.1.ffn_norm.weight";
  EXPECT_THAT(refusal({.without = {norm},
                       .extra = {{norm, std::vector<float>(64), formats::TensorType::i32}}}),
              IsRefusal(Errc::unsupported,
                        "tensor 'blk.1.ffn_norm.weight' has type I32, which holds no weights"));
}

TEST(Loading, PassesOverTheRotaryFrequenciesOfOldConverters) {
  const std::vector<float> frequencies(8, 0.5f);
  const std::vector<ExtraVector> leftovers = {
      {"blk.0.attn_rot_embd", frequencies},
      {"blk.1.attn_rot_embd.weight", frequencies},
      {"model.layers.2.self_attn.rotary_emb.inv_freq", frequencies},
  };
  for (const char* family : {"llama", "mistral3", "qwen2", "qwen3", "gemma2", "gemma3", "phi3"}) {
    SCOPED_TRACE(family);
    RandomModelOptions options = {.architecture = family};
    const RandomModel clean(options);
    options.extra = leftovers;
    // These two divide their rotary angles by it.
    if (options.architecture != "llama" && options.architecture != "mistral3")
      options.extra.push_back({"rope_freqs.weight", frequencies});
    const RandomModel littered(options);
    const auto expected = Model::load(clean.file()), model = Model::load(littered.file());
    const std::vector<int32_t> ids = random_ids(9, 1);
    EXPECT_EQ(run_model(*model, ids), run_model(*expected, ids));
    EXPECT_EQ(model->parameters(), expected->parameters());
  }
}

TEST(Loading, RefusesEveryOtherSurplus) {
  for (const char* name :
       {"blk.0.attn_sinks.weight", "blk.0.ffn_gate_inp.weight", "blk.3.attn_q.bias",
        "blk.0.attn_q_norm.weight", "rope_freqs.bias", "inv_freq"})
    EXPECT_THAT(refusal({.extra = {{name, std::vector<float>(16)}}}),
                IsRefusal(Errc::unsupported,
                          fmt::format("tensor '{}' has no place in a llama model", name)));
  // A bias that has a place is used, and so must fit it.
  EXPECT_THAT(refusal({.extra = {{"blk.0.attn_q.bias", std::vector<float>(16)}}}),
              IsRefusal(Errc::corrupt_data, "tensor 'blk.0.attn_q.bias' has shape [16]"));
}

TEST(Loading, RefusesRotaryFactorsThatCannotDivide) {
  for (float factor : {0.0f, -1.0f, NAN})
    EXPECT_THAT(
        refusal({.extra = {{"rope_freqs.weight", {1, 1, 1, factor, 1, 1, 1, 1}}}}),
        IsRefusal(Errc::corrupt_data, fmt::format("tensor 'rope_freqs.weight' holds {}, a rotary "
                                                  "factor must be above zero",
                                                  factor)));
}

TEST(Loading, RefusesLongropeWithOneOfItsTwoSetsOfFactors) {
  const std::vector<float> factors(8, 2.0f);
  EXPECT_THAT(refusal({.architecture = "phi3", .extra = {{"rope_factors_long.weight", factors}}}),
              IsRefusal(Errc::corrupt_data, "tensor 'rope_factors_short.weight' is missing"));
  EXPECT_THAT(refusal({.architecture = "phi3", .extra = {{"rope_factors_short.weight", factors}}}),
              IsRefusal(Errc::corrupt_data, "tensor 'rope_factors_long.weight' is missing"));
}

TEST(Loading, RefusesMissingAndSurplusTensors) {
  EXPECT_THAT(refusal_of_key("{a}.block_count", uint32_t{4}),
              IsRefusal(Errc::corrupt_data, "tensor 'blk.3.attn_norm.weight' is missing"));
  EXPECT_THAT(refusal_of_key("{a}.block_count", uint32_t{2}),
              IsRefusal(Errc::unsupported,
                        "tensor 'blk.2.attn_norm.weight' has no place in a llama model"));
}

TEST(Loading, RefusesHeadsOfNoKnownSize) {
  EXPECT_THAT(refusal({.heads = 3, .kv_heads = 1, .without = {"{a}.attention.key_length"}}),
              IsRefusal(Errc::corrupt_data,
                        "64 elements do not divide into 3 heads, and "
                        "'llama.attention.key_length' is missing"));
}

TEST(Loading, RefusesMissingKeys) {
  for (const std::string key :
       {"context_length", "block_count", "embedding_length", "feed_forward_length",
        "attention.head_count", "attention.layer_norm_rms_epsilon"})
    EXPECT_THAT(refusal({.without = {"{a}." + key}}),
                IsRefusal(Errc::corrupt_data, fmt::format("key 'llama.{}' is missing", key)));
}

TEST(Loading, RefusesAFileWithoutAnEmbedding) {
  EXPECT_THAT(refusal({.without = {"token_embd.weight"}}),
              IsRefusal(Errc::corrupt_data, "tensor 'token_embd.weight' is missing"));
}

TEST(Loading, RefusesVocabulariesBeyondTheLimit) {
  constexpr uint64_t kRows = (1 << 24) + 1;
  const fs::path path = fs::path(testing::TempDir()) / "hearth_huge_vocabulary.gguf";
  formats::GgufWriter writer(path);
  writer.set("general.architecture", std::string("llama"));
  writer.declare("token_embd.weight", formats::TensorType::i8, {1, kRows});
  writer.write(std::vector<std::byte>(kRows));
  writer.finish();
  const formats::Gguf file = formats::Gguf::open(path);
  fs::remove(path);  // the mapping stays
  try {
    Model::load(file);
    FAIL() << "nothing was refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::corrupt_data);
    EXPECT_THAT(error.what(),
                HasSubstr("tensor 'token_embd.weight' has 16777217 rows, the limit is 16777216"));
  }
}

TEST(Loading, RefusesScalingAndPatternsItCannotFollow) {
  EXPECT_THAT(refusal_of_key("{a}.rope.scaling.type", std::string("dynamic")),
              IsRefusal(Errc::unsupported, "'llama.rope.scaling.type' is 'dynamic'"));
  const GgufValue pattern = GgufArray{std::vector<bool>{true, false}};
  EXPECT_THAT(refusal({.architecture = "gemma3",
                       .keys = {{"{a}.attention.sliding_window", uint32_t{8}},
                                {"{a}.attention.sliding_window_pattern", pattern}}}),
              IsRefusal(Errc::corrupt_data, "has 2 entries for 3 layers"));
}

TEST(Loading, ReadsTheConfiguration) {
  const RandomModel file({.architecture = "gemma2",
                          .layers = 2,
                          .dim = 64,
                          .heads = 4,
                          .kv_heads = 1,
                          .head_dim = 32,
                          .ffn_dim = 80,
                          .context_length = 300});
  const ModelConfig config = Model::load(file.file())->config();
  EXPECT_EQ(config.architecture, "gemma2");
  EXPECT_EQ(config.name, "random F32");
  EXPECT_EQ(config.vocab_size, random_model_vocab_size());
  EXPECT_EQ(config.context_length, 300);
  EXPECT_EQ(config.layers, 2);
  EXPECT_EQ(config.dim, 64);
  EXPECT_EQ(config.ffn_dim, 80);
  EXPECT_EQ(config.heads, 4);
  EXPECT_EQ(config.kv_heads, 1);
  EXPECT_EQ(config.head_dim_k, 32);
  EXPECT_EQ(config.head_dim_v, 32);
  EXPECT_FLOAT_EQ(config.rms_eps, 1e-5f);
  EXPECT_EQ(config.sliding_window, 4096);  // gemma2's, which the file does not name
}

}  // namespace
}  // namespace hearth::llm
