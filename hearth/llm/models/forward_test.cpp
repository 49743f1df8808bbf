// What a forward pass promises whatever the family: the same logits however a sequence is cut into
// batches, whoever shares them, and no allocation.
#include <gtest/gtest.h>

#include "hearth/llm/models/allocation_count.h"
#include "hearth/llm/models/model_runner.h"
#include "hearth/llm/models/random_model.h"

namespace hearth::llm {
namespace {

using formats::TensorType;

// All families, each with a window shorter than the sequences where it has one.
const std::vector<RandomModelOptions>& all_families() {
  static const std::vector<RandomModelOptions> all = [] {
    std::vector<RandomModelOptions> options;
    for (const char* family : {"llama", "mistral3", "qwen2", "qwen3", "gemma2", "gemma3", "phi3"})
      options.push_back({.architecture = family, .biases = true});
    for (RandomModelOptions& o : options)
      if (o.architecture.starts_with("gemma"))
        o.keys = {{"{a}.attention.sliding_window", uint32_t{10}},
                  {"{a}.attention.sliding_window_pattern", uint32_t{2}}};
    return options;
  }();
  return all;
}

class Forward : public testing::TestWithParam<RandomModelOptions> {
 protected:
  RandomModel file_{GetParam()};
  std::unique_ptr<Model> model_ = Model::load(file_.file());
  std::vector<int32_t> ids_ = random_ids(75, /*seed=*/5);
};

// Cuts and neighbours change the order of f32 sums and nothing else.
constexpr double kRounding = 1e-5;

TEST_P(Forward, ChunksGiveTheLogitsOfOneBatch) {
  const std::vector<float> whole = run_model(*model_, ids_);
  for (int chunk : {1, 2, 7, 32, 33, 64})
    EXPECT_LT(relative_error(run_model(*model_, ids_, {.chunk = chunk}), whole), kRounding)
        << chunk;
}

TEST_P(Forward, ThreadsGiveTheBitsOfOne) {
  const std::vector<float> one = run_model(*model_, ids_, {.threads = 1});
  EXPECT_EQ(run_model(*model_, ids_, {.threads = 5}), one);
}

TEST_P(Forward, SequencesDoNotSeeEachOther) {
  const std::vector<std::vector<int32_t>> sequences = {ids_, random_ids(40, 6), random_ids(1, 7),
                                                       random_ids(66, 8)};
  for (int chunk : {1, 9, 75}) {
    const auto together = run_sequences(*model_, sequences, {.chunk = chunk});
    for (size_t s = 0; s < sequences.size(); ++s)
      EXPECT_LT(relative_error(together[s], run_model(*model_, sequences[s])), kRounding)
          << "sequence " << s << ", chunk " << chunk;
  }
}

TEST_P(Forward, HalfPrecisionCacheStaysClose) {
  const std::vector<float> exact = run_model(*model_, ids_);
  // f16 keeps 11 bits: 2^-12 of each key and value, a few times that in the logits.
  EXPECT_LT(relative_error(run_model(*model_, ids_, {.kv = KvType::f16, .chunk = 11}), exact),
            3e-3);
}

INSTANTIATE_TEST_SUITE_P(Families, Forward, testing::ValuesIn(all_families()),
                         [](const auto& instance) { return instance.param.architecture; });

TEST(ForwardPass, ATokenHasTheSameBitsAloneAndBesideThoseOfOtherSequences) {
  // Lengths that differ, so that the batches shrink from 16 to 1 as sequences end.
  for (const TensorType type : {TensorType::q4_0, TensorType::q4_k, TensorType::q6_k,
                                TensorType::q8_0, TensorType::f16, TensorType::f32}) {
    SCOPED_TRACE(formats::info(type).name);
    const RandomModel file({.type = type, .dim = 256, .head_dim = 64, .ffn_dim = 512});
    const auto model = Model::load(file.file());
    ASSERT_GE(model->exact_batch_tokens(), 1);
    ASSERT_LE(model->exact_batch_tokens(), kExactBatchTokensMax);
    std::vector<std::vector<int32_t>> sequences;
    for (int s = 0; s < model->exact_batch_tokens(); ++s)
      sequences.push_back(random_ids(40 - 2 * s, 20 + s));
    const auto together = run_sequences(*model, sequences, {.chunk = 1});
    for (size_t s = 0; s < sequences.size(); ++s)
      EXPECT_EQ(together[s], run_model(*model, sequences[s], {.chunk = 1})) << "sequence " << s;
  }
}

TEST(ForwardPass, EightBitCacheStaysClose) {
  for (RandomModelOptions options : all_families()) {
    options.head_dim = 32;
    const RandomModel file(options);
    const auto model = Model::load(file.file());
    const std::vector<int32_t> ids = random_ids(75, 5);
    const std::vector<float> exact = run_model(*model, ids);
    // q8_0 rounds a key or value by at most 1/254 of its block's largest, about 0.5 % of a score.
    EXPECT_LT(relative_error(run_model(*model, ids, {.kv = KvType::q8_0}), exact), 4e-2)
        << options.architecture;
  }
}

// A pass with a hand-made batch: what run_model does not vary.
class HandMadeBatch : public testing::Test {
 protected:
  static constexpr int kTokens = 40;

  std::span<const float> forward(std::span<const Batch::Token> tokens) {
    return model_->forward({tokens, tables_}, cache_, *state_, pool_);
  }
  std::vector<Batch::Token> tokens(int begin, int end, bool want_logits) const {
    std::vector<Batch::Token> batch;
    for (int p = begin; p < end; ++p) batch.push_back({ids_[p], p, 0, want_logits});
    return batch;
  }

  RandomModel file_{{.architecture = "llama"}};
  std::unique_ptr<Model> model_ = Model::load(file_.file());
  std::vector<int32_t> ids_ = random_ids(kTokens, 3);
  KvCache cache_{model_->kv_shape(), KvType::f32, 2};
  std::vector<int32_t> pages_ = {cache_.try_allocate().value(), cache_.try_allocate().value()};
  std::vector<std::span<const int32_t>> tables_ = {pages_};
  ThreadPool pool_{2};
  std::unique_ptr<ForwardState> state_ = model_->make_state(2, kTokens, kTokens);
};

TEST_F(HandMadeBatch, GivesLogitsOnlyForTokensThatWantThem) {
  const std::vector<float> all = run_model(*model_, ids_);
  const size_t vocab = model_->config().vocab_size;
  std::vector<Batch::Token> batch = tokens(0, kTokens, false);
  for (int wanted : {0, 7, 8, kTokens - 1}) batch[wanted].wants_logits = true;
  const std::span<const float> logits = forward(batch);
  ASSERT_EQ(logits.size(), 4 * vocab);
  int row = 0;
  for (int wanted : {0, 7, 8, kTokens - 1})
    EXPECT_LT(relative_error(logits.subspan(row++ * vocab, vocab),
                             std::span(all).subspan(wanted * vocab, vocab)),
              kRounding)
        << wanted;
}

TEST_F(HandMadeBatch, AChunkThatWantsNoLogitsStillFillsTheCache) {
  const std::vector<float> all = run_model(*model_, ids_);
  const size_t vocab = model_->config().vocab_size;
  EXPECT_TRUE(forward(tokens(0, kTokens - 1, false)).empty());
  EXPECT_LT(relative_error(forward(tokens(kTokens - 1, kTokens, true)), std::span(all).last(vocab)),
            kRounding);
}

TEST_F(HandMadeBatch, EqualBatchesGiveEqualBits) {
  const std::vector<Batch::Token> batch = tokens(0, kTokens, true);
  const std::span<const float> first = forward(batch);
  const std::vector<float> kept(first.begin(), first.end());
  const std::span<const float> second = forward(batch);
  EXPECT_TRUE(std::equal(kept.begin(), kept.end(), second.begin(), second.end()));
}

TEST(ForwardPass, AllocatesNothing) {
  for (RandomModelOptions options : all_families())
    for (TensorType type : {TensorType::f32, TensorType::q4_k}) {
      options.type = type;
      if (type == TensorType::q4_k)
        options.dim = options.ffn_dim = 256, options.heads = 4, options.head_dim = 64;
      SCOPED_TRACE(options.architecture);
      const RandomModel file(options);
      const auto model = Model::load(file.file());
      KvCache cache(model->kv_shape(), KvType::f16, 2);
      const std::vector<int32_t> pages = {*cache.try_allocate(), *cache.try_allocate()};
      const std::vector<std::span<const int32_t>> tables = {pages};
      ThreadPool pool(2);
      const auto state = model->make_state(2, 40, 1);
      std::vector<Batch::Token> prefill, decode = {{5, 40, 0, true}};
      for (int p = 0; p < 40; ++p) prefill.push_back({p + 3, p, 0, p == 39});

      const AllocationCount before;
      model->forward({prefill, tables}, cache, *state, pool);
      model->forward({decode, tables}, cache, *state, pool);
      EXPECT_EQ(before.since(), 0);
    }
}

}  // namespace
}  // namespace hearth::llm
