// Answers with adapters, in one engine with others: each has the text that it has alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "hearth/llm/batch_engine.h"
#include "hearth/llm/models/random_adapter.h"
#include "hearth/llm/models/random_model.h"

namespace hearth::llm {
namespace {

using testing::HasSubstr;

struct Answer {
  std::string ids;
  int prompt_tokens_cached = 0;
};

Answer read(PieceStream stream) {
  Answer answer;
  while (std::optional<Piece> piece = stream.next())
    answer.ids += fmt::format("{} ", piece->sample.token);
  answer.prompt_tokens_cached = stream.result().prompt_tokens_cached;
  return answer;
}

class Adapters : public testing::Test {
 protected:
  std::shared_ptr<const LoraAdapter> load_adapter(uint64_t seed) {
    return LoraAdapter::load(folder_.adapter(file_.file(), {.seed = seed}), *model_);
  }

  /// Three pages of a prompt and a bit, the same for equal numbers.
  GenerateParams params(int number, std::shared_ptr<const LoraAdapter> adapter, float scale = 1) {
    GenerateParams params{.sampling = {.temperature = 0}, .tokens_max = 24, .ignore_end = true};
    for (int i = 0; i < 100; ++i) params.prompt.push_back(3 + (7 * i + 31 * number) % 250);
    params.adapter = std::move(adapter);
    params.adapter_scale = scale;
    return params;
  }

  Answer alone(GenerateParams params) {
    BatchEngine engine(*model_, *tokenizer_, {.threads = 2, .context = 256, .sequences_max = 1});
    return read(engine.submit(std::move(params)));
  }

  std::string refusal(GenerateParams params) {
    BatchEngine engine(*model_, *tokenizer_, {.threads = 1, .context = 256, .sequences_max = 1});
    try {
      engine.submit(std::move(params));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument);
      return error.what();
    }
    return "accepted";
  }

  AdapterFolder folder_;
  RandomModel file_{{.type = formats::TensorType::f16, .layers = 2}};
  std::unique_ptr<Model> model_ = Model::load(file_.file());
  std::unique_ptr<Tokenizer> tokenizer_ = Tokenizer::load(file_.file());
};

// A page computed with one adapter holds keys and values that are wrong for all others.
TEST_F(Adapters, PagesAreSharedWithinAnAdapterOnly) {
  const auto one = load_adapter(1), other = load_adapter(2);
  BatchEngine engine(*model_, *tokenizer_, {.threads = 2, .context = 256, .sequences_max = 4});
  const std::vector<std::pair<std::shared_ptr<const LoraAdapter>, float>> uses = {
      {nullptr, 1.0f}, {one, 1.0f}, {other, 1.0f}, {one, 0.5f}};
  std::set<std::string> texts;
  for (bool is_again : {false, true})
    for (const auto& [adapter, scale] : uses) {
      const Answer answer = read(engine.submit(params(0, adapter, scale)));
      EXPECT_EQ(answer.ids, alone(params(0, adapter, scale)).ids);
      EXPECT_EQ(answer.prompt_tokens_cached, is_again ? 96 : 0);
      texts.insert(answer.ids);
    }
  EXPECT_EQ(texts.size(), uses.size());
}

TEST_F(Adapters, AnAdapterLoadedAgainSharesNothingWithTheFormer) {
  BatchEngine engine(*model_, *tokenizer_, {.threads = 2, .context = 256, .sequences_max = 1});
  read(engine.submit(params(0, load_adapter(1))));
  EXPECT_EQ(read(engine.submit(params(0, load_adapter(2)))).prompt_tokens_cached, 0);
}

TEST_F(Adapters, ATextDoesNotHangOnWhatRunsBeside) {
  const std::shared_ptr<const LoraAdapter> adapters[] = {nullptr, load_adapter(1), load_adapter(2)};
  // A cache of five quarters of a context: answers are preempted and computed again.
  const KvShape shape = model_->kv_shape();
  const size_t context_bytes = size_t{256} * shape.layers * shape.kv_heads * 2 *
                               static_cast<size_t>(shape.head_dim_k + shape.head_dim_v);
  BatchEngine engine(*model_, *tokenizer_,
                     {.threads = 2,
                      .context = 256,
                      .sequences_max = 6,
                      .chunk_tokens = 40,
                      .kv_bytes_max = context_bytes * 5 / 4});
  std::vector<PieceStream> streams;
  for (int i = 0; i < 8; ++i) streams.push_back(engine.submit(params(i / 3, adapters[i % 3])));
  for (int i = 0; i < 8; ++i) {
    const std::string text = read(std::move(streams[i])).ids;
    EXPECT_EQ(text, alone(params(i / 3, adapters[i % 3])).ids) << i;
  }
}

TEST_F(Adapters, OfAnotherModelAreRefused) {
  const RandomModel file({.layers = 2});
  const auto model = Model::load(file.file());
  EXPECT_THAT(refusal(params(0, LoraAdapter::load(folder_.adapter(file.file()), *model))),
              HasSubstr("another model"));
}

TEST_F(Adapters, AScaleThatIsNoNumberIsRefused) {
  EXPECT_THAT(refusal(params(0, load_adapter(1), std::numeric_limits<float>::quiet_NaN())),
              HasSubstr("adapter_scale: nan"));
}

}  // namespace
}  // namespace hearth::llm
