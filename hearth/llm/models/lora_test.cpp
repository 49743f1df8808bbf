// Adapters against models that they were merged into: in every family, in prefill, in decode,
// beside other sequences.
#include "hearth/llm/models/lora.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "hearth/llm/models/allocation_count.h"
#include "hearth/llm/models/float64_model.h"
#include "hearth/llm/models/model_runner.h"
#include "hearth/llm/models/random_adapter.h"
#include "hearth/llm/models/random_model.h"

namespace hearth::llm {
namespace {

using formats::Gguf;
using formats::TensorType;
using testing::HasSubstr;

// As in families_test: rounding alone, 2^-24 per operation over some thousands of them. The merged
// weights were rounded to f32 once more.
constexpr double kF32Bound = 2e-5;
// Without the adapter, or with a part of it missing, logits differ by more than this.
constexpr double kVisible = 1e-2;

constexpr int kTokens = 40;

/// A random model, an adapter for it, and float64 logits of the two merged.
class Adapted {
 public:
  explicit Adapted(const RandomModelOptions& options, const RandomAdapterOptions& changes = {})
      : base(options), file(folder.adapter(base.file(), changes)) {}

  std::vector<std::vector<double>> merged_logits(std::span<const int32_t> ids, double scale = 1) {
    return float64::logits(folder.merged(base.file(), file, scale), ids, 0);
  }

  AdapterFolder folder;
  RandomModel base;
  Gguf file;
  std::unique_ptr<Model> model = Model::load(base.file());
  std::shared_ptr<const LoraAdapter> adapter = LoraAdapter::load(file, *model);
};

const char* const kFamilies[] = {"llama", "mistral3", "qwen2", "qwen3", "gemma2", "gemma3", "phi3"};

TEST(Lora, EveryFamilyAgreesWithTheMergedModel) {
  for (const char* family : kFamilies)
    for (int chunk : {0, 1, 7}) {
      SCOPED_TRACE(fmt::format("{}, chunks of {}", family, chunk));
      Adapted a({.architecture = family, .biases = true});
      const std::vector<int32_t> ids = random_ids(kTokens, 3);
      const auto merged = a.merged_logits(ids);
      EXPECT_LT(
          relative_error(
              run_model(*a.model, ids, {.chunk = chunk, .adapters = {{a.adapter.get()}}}), merged),
          kF32Bound);
      EXPECT_GT(relative_error(run_model(*a.model, ids), merged), kVisible);
    }
}

TEST(Lora, EachMatrixHasItsOwnChange) {
  for (const char* matrix :
       {"attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_output.weight", "ffn_gate.weight",
        "ffn_up.weight", "ffn_down.weight", "output.weight", "token_embd.weight"}) {
    SCOPED_TRACE(matrix);
    Adapted a({}, {.rank = 3, .only = {matrix}});
    const std::vector<int32_t> ids = random_ids(kTokens, 4);
    const auto merged = a.merged_logits(ids);
    EXPECT_LT(relative_error(run_model(*a.model, ids, {.adapters = {{a.adapter.get()}}}), merged),
              kF32Bound);
    EXPECT_GT(relative_error(run_model(*a.model, ids), merged), kVisible);
  }
}

TEST(Lora, ScaleAlphaAndRankMultiply) {
  const std::vector<int32_t> ids = random_ids(kTokens, 5);
  for (const auto& [rank, alpha, scale] :
       {std::tuple{1, 1.0f, 1.0f}, {8, 4.0f, 0.5f}, {5, 0.0f, -1.5f}, {70, 32.0f, 2.0f}}) {
    SCOPED_TRACE(fmt::format("rank {}, alpha {}, scale {}", rank, alpha, scale));
    Adapted a({}, {.rank = rank, .alpha = alpha, .strength = 0.3f});
    EXPECT_LT(relative_error(run_model(*a.model, ids, {.adapters = {{a.adapter.get(), scale}}}),
                             a.merged_logits(ids, scale)),
              kF32Bound);
  }
}

// The base's bound of families_test: activations are rounded to 8 bits before they meet W.
TEST(Lora, AQuantisedBaseStaysWithinItsOwnBound) {
  for (TensorType type : {TensorType::q8_0, TensorType::q4_k}) {
    SCOPED_TRACE(formats::info(type).name);
    Adapted a({.type = type, .layers = 1, .dim = 256, .head_dim = 64, .ffn_dim = 256},
              {.strength = 0.2f});
    const std::vector<int32_t> ids = random_ids(12, 6);
    const auto merged = a.merged_logits(ids);
    EXPECT_LT(relative_error(run_model(*a.model, ids, {.adapters = {{a.adapter.get()}}}), merged),
              4e-2);
    EXPECT_GT(relative_error(run_model(*a.model, ids), merged), 8e-2);
  }
}

TEST(Lora, HalvesMayHaveAnyWeightType) {
  for (TensorType type : {TensorType::f16, TensorType::bf16, TensorType::q8_0}) {
    SCOPED_TRACE(formats::info(type).name);
    Adapted a({}, {.rank = 32, .type = type});
    const std::vector<int32_t> ids = random_ids(kTokens, 7);
    EXPECT_LT(relative_error(run_model(*a.model, ids, {.adapters = {{a.adapter.get()}}}),
                             a.merged_logits(ids)),
              kF32Bound);
  }
}

// PEFT leaves a tied output alone when it adapts the embedding, and the other way round.
TEST(Lora, ATiedOutputIsAnotherMatrixThanTheEmbedding) {
  AdapterFolder folder;
  const RandomModel base({.tied_output = true});
  const auto model = Model::load(base.file());
  const Gguf file = folder.adapter(base.file(), {.only = {"token_embd.weight"}});
  const auto adapter = LoraAdapter::load(file, *model);
  const WeightMatrix* output = nullptr;
  for (const NamedMatrix& matrix : model->matrices())
    if (matrix.name == "output.weight") output = &matrix.weight;
  ASSERT_NE(output, nullptr);
  EXPECT_FALSE(adapter->find(*output));
  EXPECT_TRUE(adapter->embedding());
}

TEST(Lora, SequencesOfABatchUseDifferentAdapters) {
  for (const char* family : {"llama", "gemma2", "phi3"})
    for (int chunk : {1, 9, kTokens}) {
      SCOPED_TRACE(fmt::format("{}, chunks of {}", family, chunk));
      Adapted a({.architecture = family}, {.seed = 1});
      const auto other =
          LoraAdapter::load(a.folder.adapter(a.base.file(), {.rank = 9, .seed = 2}), *a.model);
      const std::vector<std::vector<int32_t>> sequences = {
          random_ids(kTokens, 1), random_ids(23, 2), random_ids(1, 3), random_ids(31, 4)};
      const std::vector<AdapterUse> uses = {
          {a.adapter.get()}, {}, {other.get(), 0.5f}, {a.adapter.get(), 2}};
      const auto together = run_sequences(*a.model, sequences, {.chunk = chunk, .adapters = uses});
      for (size_t s = 0; s < sequences.size(); ++s)
        EXPECT_LT(
            relative_error(together[s], run_model(*a.model, sequences[s], {.adapters = {uses[s]}})),
            kF32Bound)
            << "sequence " << s;
    }
}

// Tokens that want no logits leave the pass in its last layer; those that stay keep their adapters.
TEST(Lora, RowsThatStayKeepTheirAdapters) {
  Adapted a({});
  const std::vector<int32_t> ids = random_ids(8, 8);
  KvCache cache(a.model->kv_shape(), KvType::f32, 2);
  const std::vector<int32_t> first = {*cache.try_allocate()}, second = {*cache.try_allocate()};
  const std::vector<std::span<const int32_t>> tables = {first, second};
  const std::vector<AdapterUse> uses = {{}, {a.adapter.get()}};
  ThreadPool pool(1);
  const auto state = a.model->make_state(1, 16, 2);
  std::vector<Batch::Token> batch;
  for (int32_t s : {0, 1})
    for (int32_t p = 0; p < 8; ++p) batch.push_back({ids[p], p, s, p == 7});
  const std::span<const float> logits =
      a.model->forward({batch, tables, uses}, cache, *state, pool);
  const size_t vocab = a.model->config().vocab_size;
  const std::vector<float> plain = run_model(*a.model, ids);
  const std::vector<float> adapted = run_model(*a.model, ids, {.adapters = {uses[1]}});
  EXPECT_LT(relative_error(logits.first(vocab), std::span(plain).last(vocab)), kF32Bound);
  EXPECT_LT(relative_error(logits.last(vocab), std::span(adapted).last(vocab)), kF32Bound);
}

TEST(Lora, ASequenceHasTheSameBitsWhateverAdaptersRunBesideIt) {
  Adapted a({.dim = 72, .ffn_dim = 1100}, {.rank = 33});
  const std::vector<std::vector<int32_t>> two = {random_ids(30, 1), random_ids(30, 2)};
  const auto beside = [&](AdapterUse use) {
    return run_sequences(*a.model, two, {.chunk = 1, .adapters = {use, {a.adapter.get()}}})[1];
  };
  const std::vector<float> beside_none = beside({});
  EXPECT_EQ(beside({a.adapter.get(), -2}), beside_none);
  EXPECT_EQ(beside({a.adapter.get()}), beside_none);
  EXPECT_EQ(
      run_model(*a.model, two[1], {.chunk = 1, .threads = 5, .adapters = {{a.adapter.get()}}}),
      beside_none);
}

TEST(Lora, AStepAllocatesNothing) {
  Adapted a({.architecture = "phi3"});
  KvCache cache(a.model->kv_shape(), KvType::f16, 2);
  const std::vector<int32_t> pages = {*cache.try_allocate(), *cache.try_allocate()};
  const std::vector<std::span<const int32_t>> tables = {pages};
  const std::vector<AdapterUse> uses = {{a.adapter.get()}};
  ThreadPool pool(2);
  const auto state = a.model->make_state(2, 40, 1);
  std::vector<Batch::Token> prefill, decode = {{5, 40, 0, true}};
  for (int p = 0; p < 40; ++p) prefill.push_back({p + 3, p, 0, p == 39});
  const AllocationCount before;
  a.model->forward({prefill, tables, uses}, cache, *state, pool);
  a.model->forward({decode, tables, uses}, cache, *state, pool);
  EXPECT_EQ(before.since(), 0);
}

/// Adapter files that are wrong in one thing.
class LoraFile : public testing::Test {
 protected:
  struct Half {
    std::string name;
    std::vector<uint64_t> shape;
    float value = 0.1f;
  };
  using Keys = std::vector<std::pair<std::string, formats::GgufValue>>;

  // Of attn_q of the first layer: 64 x 64.
  static std::vector<Half> good() {
    return {{"blk.0.attn_q.weight.lora_a", {64, 2}}, {"blk.0.attn_q.weight.lora_b", {2, 64}}};
  }

  void expect_error(Errc code, const std::string& words, const std::vector<Half>& halves,
                    const Keys& changed = {}) {
    SCOPED_TRACE(words);
    const fs::path path = folder_.file("adapter.gguf");
    write(path, halves, changed);
    const Gguf file = Gguf::open(path);
    try {
      LoraAdapter::load(file, *model_);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(words));
      EXPECT_THAT(error.what(), HasSubstr("adapter.gguf"));
    }
  }

  static void write(const fs::path& path, const std::vector<Half>& halves, const Keys& changed) {
    formats::GgufWriter writer(path);
    writer.set("general.type", std::string("adapter"));
    writer.set("general.architecture", std::string("llama"));
    writer.set("adapter.type", std::string("lora"));
    writer.set("adapter.lora.alpha", 4.0f);
    for (const auto& [key, value] : changed) writer.set(key, value);
    for (const Half& half : halves) writer.declare(half.name, TensorType::f32, half.shape);
    for (const Half& half : halves) {
      uint64_t count = 1;
      for (uint64_t size : half.shape) count *= size;
      const std::vector<float> values(count, half.value);
      writer.write(std::as_bytes(std::span(values)));
    }
    writer.finish();
  }

  AdapterFolder folder_;
  RandomModel base_{{}};
  std::unique_ptr<Model> model_ = Model::load(base_.file());
};

TEST_F(LoraFile, IsTakenAsItIsWritten) {
  const fs::path path = folder_.file("adapter.gguf");
  write(path, good(), {});
  const auto adapter = LoraAdapter::load(Gguf::open(path), *model_);
  EXPECT_EQ(adapter->bytes(), 2 * 64 * 2 * sizeof(float));
  EXPECT_NE(LoraAdapter::load(Gguf::open(path), *model_)->id(), adapter->id());
}

TEST_F(LoraFile, OfAnotherKindIsRefused) {
  using std::string;
  expect_error(Errc::unsupported, "general.type is 'model'", good(),
               {{"general.type", string("model")}});
  expect_error(Errc::unsupported, "adapter.type is 'loha'", good(),
               {{"adapter.type", string("loha")}});
  expect_error(Errc::invalid_argument, "an adapter for 'qwen2', the model is 'llama'", good(),
               {{"general.architecture", string("qwen2")}});
  expect_error(
      Errc::unsupported, "aLoRA", good(),
      {{"adapter.alora.invocation_tokens", formats::GgufArray{std::vector<uint32_t>{1, 2}}}});
}

TEST_F(LoraFile, WithAHalfMissingIsCorrupt) {
  expect_error(Errc::corrupt_data, "no 'blk.0.attn_q.weight.lora_b' beside it", {good()[0]});
  expect_error(Errc::corrupt_data, "no 'blk.0.attn_q.weight.lora_a' beside it", {good()[1]});
  expect_error(Errc::corrupt_data, "changes no matrix", {});
}

TEST_F(LoraFile, WithShapesThatDoNotFitIsCorrupt) {
  auto halves = good();
  halves[0].shape = {63, 2};
  expect_error(Errc::corrupt_data, "lora_a' has shape [63, 2], the model needs [64, 2]", halves);
  halves[0].shape = {64, 3};
  expect_error(Errc::corrupt_data, "lora_a' has shape [64, 3], the model needs [64, 2]", halves);
  halves = good();
  halves[1].shape = {2, 65};
  expect_error(Errc::corrupt_data, "lora_b' has shape [2, 65], the model needs [2, 64]", halves);
  halves = good();
  halves[0].shape = {64, kLowRankMax + 1};
  halves[1].shape = {kLowRankMax + 1, 64};
  expect_error(Errc::unsupported, "rank 1025, at most 1024", halves);
}

TEST_F(LoraFile, WithTensorsThatChangeNoMatrixIsRefused) {
  auto halves = good();
  halves.push_back({"blk.0.attn_norm.weight", {64}});
  expect_error(Errc::unsupported, "'blk.0.attn_norm.weight' is no half of a LoRA pair", halves);
  halves = good();
  halves.push_back({"blk.0.attn_norm.weight.lora_a", {64, 1}});
  halves.push_back({"blk.0.attn_norm.weight.lora_b", {1, 1}});
  expect_error(Errc::unsupported, "'blk.0.attn_norm.weight' is no matrix of the model", halves);
  halves = {{"blk.7.attn_q.weight.lora_a", {64, 2}}, {"blk.7.attn_q.weight.lora_b", {2, 64}}};
  expect_error(Errc::unsupported, "'blk.7.attn_q.weight' is no matrix of the model", halves);
}

TEST_F(LoraFile, WithNumbersThatAreNoneIsCorrupt) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (float alpha : {nan, -1.0f, std::numeric_limits<float>::infinity()})
    expect_error(Errc::corrupt_data, "adapter.lora.alpha is", good(),
                 {{"adapter.lora.alpha", alpha}});
  auto halves = good();
  halves[1].value = nan;
  expect_error(Errc::corrupt_data, "lora_b' holds nan", halves);
}

}  // namespace
}  // namespace hearth::llm
