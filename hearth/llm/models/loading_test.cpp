// What Model::load refuses, and what its messages name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/llm/models/model.h"
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

TEST(Loading, RefusesMissingAndSurplusTensors) {
  EXPECT_THAT(refusal_of_key("{a}.block_count", uint32_t{4}),
              IsRefusal(Errc::corrupt_data, "tensor 'blk.3.attn_norm.weight' is missing"));
  EXPECT_THAT(refusal_of_key("{a}.block_count", uint32_t{2}),
              IsRefusal(Errc::unsupported,
                        "tensor 'blk.2.attn_norm.weight' has no place in a llama model"));
}

TEST(Loading, RefusesMissingKeysAndEmbeddings) {
  const fs::path path = fs::path(testing::TempDir()) / "hearth_empty_model.gguf";
  const auto message_of_loading = [&] {
    try {
      const formats::Gguf file = formats::Gguf::open(path);
      Model::load(file);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing was refused");
  };
  const auto write = [&](bool has_embedding) {
    formats::GgufWriter writer(path);
    writer.set("general.architecture", std::string("llama"));
    if (has_embedding) writer.declare("token_embd.weight", formats::TensorType::f32, {2, 2});
    if (has_embedding) writer.write(std::vector<std::byte>(16));
    writer.finish();
  };
  write(false);
  EXPECT_THAT(message_of_loading(), HasSubstr("token_embd.weight"));
  write(true);
  EXPECT_THAT(message_of_loading(), HasSubstr("key 'llama.context_length' is missing"));
  fs::remove(path);
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
