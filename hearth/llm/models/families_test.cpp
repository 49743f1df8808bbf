// Every family against its float64 forward pass, in f32 and in every weight type.
#include <gtest/gtest.h>

#include "hearth/formats/tensor_type.h"
#include "hearth/llm/models/float64_model.h"
#include "hearth/llm/models/model_runner.h"
#include "hearth/llm/models/random_model.h"

namespace hearth::llm {
namespace {

using formats::GgufValue;
using formats::TensorType;
using Keys = std::vector<std::pair<std::string, GgufValue>>;

constexpr TensorType kF32 = TensorType::f32;

double error_against_float64(const RandomModelOptions& options, int tokens, int context = 0) {
  const RandomModel random(options);
  const auto model = Model::load(random.file(), {.context = context});
  const std::vector<int32_t> ids = random_ids(tokens, options.seed);
  return relative_error(run_model(*model, ids), float64::logits(random.file(), ids, context));
}

// A model in f32 with an f32 cache differs from float64 by rounding alone: 2^-24 per operation,
// growing with the square root of their number (some thousands on a path through 3 to 7 layers).
constexpr double kF32Bound = 1e-5;

// 70 tokens: more than two pages, and no multiple of one.
constexpr int kTokens = 70;

struct Variant {
  std::string name;
  RandomModelOptions options;
  int context = 0;
  int tokens = kTokens;
};

// Long because it is a table: the keys that differ, then one row a variant.
std::vector<Variant> variants() {
  const Keys yarn = {{"{a}.rope.scaling.type", std::string("yarn")},
                     {"{a}.rope.scaling.factor", 4.0f},
                     {"{a}.rope.scaling.original_context_length", uint32_t{32}}};
  const Keys linear = {{"{a}.rope.scaling.type", std::string("linear")},
                       {"{a}.rope.scaling.factor", 8.0f},
                       {"{a}.rope.freq_base", 1e6f}};
  const Keys longrope = {{"{a}.rope.scaling.original_context_length", uint32_t{32}},
                         {"{a}.rope.scaling.attn_factor", 1.19f}};
  const Keys half_turned = {{"{a}.rope.dimension_count", uint32_t{8}}};
  const Keys window = {{"{a}.attention.sliding_window", uint32_t{10}}};
  const Keys caps = {{"{a}.attn_logit_softcapping", 3.0f},
                     {"{a}.final_logit_softcapping", 2.0f},
                     {"{a}.attention.sliding_window", uint32_t{40}}};
  const Keys gemma3_all = {{"{a}.attention.sliding_window", uint32_t{10}},
                           {"{a}.attention.sliding_window_pattern", uint32_t{3}},
                           {"{a}.rope.freq_base", 1e6f},
                           {"{a}.rope.freq_base_swa", 5e3f},
                           {"{a}.rope.scaling.type", std::string("linear")},
                           {"{a}.rope.scaling.factor", 8.0f},
                           {"{a}.final_logit_softcapping", 2.0f}};
  const Keys scale = {{"{a}.attention.scale", 0.4f}};
  Keys llama_longrope = longrope;
  llama_longrope.push_back({"{a}.rope.scaling.type", std::string("longrope")});
  const std::vector<ExtraVector> longrope_sets = {
      {"rope_factors_long.weight", {1, 2, 3, 4, 5, 6, 7, 8}},
      {"rope_factors_short.weight", {1.1f, 1.2f, 1.3f, 1.4f, 1.5f, 1.6f, 1.7f, 1.8f}}};
  Keys yarn_sharpened = yarn;
  yarn_sharpened.push_back({"{a}.rope.scaling.yarn_log_multiplier", 0.7f});
  yarn_sharpened.push_back({"{a}.attention.temperature_scale", 0.1f});
  yarn_sharpened.push_back({"{a}.rope.scaling.yarn_beta_fast", 8.0f});
  return {
      {"llama", {.architecture = "llama"}},
      {"llama, odd sizes",
       {.architecture = "llama",
        .layers = 2,
        .dim = 54,
        .heads = 3,
        .kv_heads = 1,
        .head_dim = 18,
        .ffn_dim = 71}},
      {"llama, wide heads, no sharing",
       {.architecture = "llama", .heads = 3, .kv_heads = 3, .head_dim = 32}},
      {"llama, tied, biases, factors",
       {.architecture = "llama", .tied_output = true, .biases = true, .rope_factors = true}},
      {"llama, yarn", {.architecture = "llama", .keys = yarn}},
      {"llama, linear", {.architecture = "llama", .keys = linear}},
      {"llama, sliding window", {.architecture = "llama", .keys = window}},
      {"llama, scale of its own", {.architecture = "llama", .keys = scale}},
      {"llama, short",
       {.architecture = "llama", .keys = llama_longrope, .extra = longrope_sets},
       32},
      {"llama, long",
       {.architecture = "llama", .keys = llama_longrope, .extra = longrope_sets},
       33},
      {"mistral3", {.architecture = "mistral3"}},
      {"mistral3, yarn, sharpened", {.architecture = "mistral3", .keys = yarn_sharpened}},
      {"qwen2, biases", {.architecture = "qwen2", .biases = true}},
      {"qwen2, biases, tied", {.architecture = "qwen2", .tied_output = true, .biases = true}},
      {"qwen3", {.architecture = "qwen3"}},
      {"qwen3, wide heads, tied", {.architecture = "qwen3", .head_dim = 32, .tied_output = true}},
      {"gemma2", {.architecture = "gemma2", .tied_output = true}},
      {"gemma2, caps and window", {.architecture = "gemma2", .tied_output = true, .keys = caps}},
      {"gemma2, short window", {.architecture = "gemma2", .layers = 4, .keys = window}},
      {"gemma2, 46 layers", {.architecture = "gemma2", .layers = 46, .head_dim = 32}, 0, 10},
      {"gemma3", {.architecture = "gemma3", .layers = 7, .tied_output = true}},
      {"gemma3, window", {.architecture = "gemma3", .layers = 7, .keys = window}},
      {"gemma3, all keys", {.architecture = "gemma3", .layers = 5, .keys = gemma3_all}},
      {"gemma3, 62 layers", {.architecture = "gemma3", .layers = 62, .head_dim = 32}, 0, 10},
      {"phi3", {.architecture = "phi3"}},
      {"phi3, partly turned", {.architecture = "phi3", .keys = half_turned}},
      {"phi3, short", {.architecture = "phi3", .rope_factors = true, .keys = longrope}, 32},
      {"phi3, long", {.architecture = "phi3", .rope_factors = true, .keys = longrope}, 33},
  };
}

TEST(Families, EveryVariantAgreesWithFloat64) {
  for (const Variant& variant : variants()) {
    SCOPED_TRACE(variant.name);
    EXPECT_LT(error_against_float64(variant.options, variant.tokens, variant.context), kF32Bound);
  }
}

// Weights in 16 bits multiply in f32. Other types round activations to 8 bits, by at most 1/254 of
// a block's largest value, an error of about 0.5 % of each product; the steep attention of random
// models makes that 2 % of the logits. A wrong tensor, row or scale gives more than 10 %.
double bound_of(TensorType type) {
  const bool is_float = type == kF32 || type == TensorType::f16 || type == TensorType::bf16;
  return is_float ? kF32Bound : 4e-2;
}

// One layer as narrow as K-quants allow: quantising random weights is what takes the time here.
double error_of_type(const std::string& family, TensorType type) {
  return error_against_float64({.architecture = family,
                                .type = type,
                                .layers = 1,
                                .dim = 256,
                                .heads = 4,
                                .kv_heads = 2,
                                .head_dim = 64,
                                .ffn_dim = 256,
                                .biases = true},
                               12);
}

// All families multiply by the same kernels; what they do differently does not depend on the type.
// So Llama meets every type, and each of the other six families two or three of them, in turns:
// every type is met twice, every family is met quantised.
TEST(Families, EveryWeightTypeAgreesWithFloat64) {
  const char* const others[] = {"mistral3", "qwen2", "qwen3", "gemma2", "gemma3", "phi3"};
  size_t turn = 0;
  for (const formats::TensorTypeInfo& type : formats::tensor_types()) {
    if (!type.is_weight) continue;
    const char* const other = others[turn++ % std::size(others)];
    for (const char* family : {"llama", other}) {
      SCOPED_TRACE(fmt::format("{} {}", family, type.name));
      EXPECT_LT(error_of_type(family, type.type), bound_of(type.type));
    }
  }
  EXPECT_EQ(turn, 16u);
}

TEST(Families, LocalLayersMayBeListed) {
  const auto logits_with_pattern = [](GgufValue pattern) {
    const RandomModel random({.architecture = "gemma3",
                              .keys = {{"{a}.attention.sliding_window", uint32_t{10}},
                                       {"{a}.attention.sliding_window_pattern", pattern}}});
    return run_model(*Model::load(random.file()), random_ids(40, 2));
  };
  const auto listed = [](std::vector<bool> local) { return formats::GgufArray{std::move(local)}; };
  const std::vector<float> every_third_sees_all = logits_with_pattern(uint32_t{3});
  EXPECT_EQ(logits_with_pattern(listed({true, true, false})), every_third_sees_all);
  EXPECT_NE(logits_with_pattern(listed({true, false, true})), every_third_sees_all);
}

TEST(Families, OlderKeysOfRotaryScalingMeanTheSame) {
  const auto logits_with = [](Keys keys) {
    const RandomModel random({.keys = std::move(keys)});
    return run_model(*Model::load(random.file()), random_ids(40, 2));
  };
  const std::pair<std::string, GgufValue> factor = {"{a}.rope.scaling.factor", 8.0f};
  const std::vector<float> plain = logits_with({});
  const std::vector<float> linear =
      logits_with({{"{a}.rope.scaling.type", std::string("linear")}, factor});
  EXPECT_NE(linear, plain);
  EXPECT_EQ(logits_with({factor}), linear);
  EXPECT_EQ(logits_with({{"{a}.rope.scale_linear", 8.0f}}), linear);
  EXPECT_EQ(logits_with({{"{a}.rope.scaling.factor", 0.0f}}), plain);
  EXPECT_EQ(logits_with({{"{a}.rope.scaling.type", std::string("none")}, factor}), plain);
}

TEST(Families, CountsBytesAndParameters) {
  const RandomModelOptions options = {
      .layers = 2, .dim = 64, .heads = 4, .kv_heads = 2, .head_dim = 16, .ffn_dim = 96};
  const uint64_t vocab = random_model_vocab_size();
  // q and output 64 x 64, k and v 32 x 64, gate, up and down 96 x 64.
  const uint64_t layer_matrices = 2 * 64 * 64 + 2 * 32 * 64 + 3 * 96 * 64;
  const uint64_t norms = 2 * 2 * 64 + 64;
  const RandomModel untied(options);
  const auto model = Model::load(untied.file());
  EXPECT_EQ(model->parameters(), 2 * layer_matrices + norms + 2 * vocab * 64);
  EXPECT_EQ(model->bytes_per_token(), 4 * (2 * layer_matrices + vocab * 64 + 64));

  RandomModelOptions tied = options;
  tied.tied_output = true;
  const RandomModel tied_file(tied);
  const auto tied_model = Model::load(tied_file.file());
  EXPECT_EQ(tied_model->parameters(), 2 * layer_matrices + norms + vocab * 64);
  EXPECT_EQ(tied_model->bytes_per_token(), 4 * (2 * layer_matrices + vocab * 64 + 64));
}

}  // namespace
}  // namespace hearth::llm
