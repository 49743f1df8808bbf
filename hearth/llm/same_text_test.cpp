// Same seed, same text, whatever runs beside: on real forward passes, where the shape of a batch
// may change bits.
#include <gtest/gtest.h>

#include "hearth/llm/batch_engine.h"
#include "hearth/llm/models/random_model.h"

namespace hearth::llm {
namespace {

std::string read(PieceStream& stream) {
  std::string text;
  while (std::optional<Piece> piece = stream.next())
    text += fmt::format("{} ", piece->sample.token);
  return text;
}

struct Prompts {
  const Tokenizer& tokenizer;
  GenerateParams make(int number, bool sampled) const {
    static constexpr std::string_view kTexts[] = {
        "Once upon a time there was",
        "The fox said to the wolf,",
        "In the middle of the forest stood a little house, and in the house there lived an old "
        "woman who had",
        "A king had three sons, and when he was old and tired he called them and said: whoever "
        "brings me the "
        "finest carpet in the world shall have the kingdom after me. And he led them before the "
        "castle, blew "
        "three feathers into the air, and said: where they fly, there you shall go. One feather "
        "flew to the "
        "east, the other to the west,",
    };
    return {
        .prompt = tokenizer.encode(kTexts[number % std::size(kTexts)], {}),
        .sampling = {.temperature = sampled ? 0.9f : 0.0f, .seed = static_cast<uint64_t>(number)},
        .tokens_max = 40,
        .ignore_end = true};
  }
};

// The text of each prompt alone in a fresh engine, and then of all at once in an engine that
// chunks, shares and preempts: a cache of two contexts for six answers.
void expect_same_text_under_load(const Model& model, const Tokenizer& tokenizer, int answers) {
  const Prompts prompts{tokenizer};
  const EngineOptions alone{.threads = 2, .context = 256, .sequences_max = 1};
  const KvShape shape = model.kv_shape();
  const size_t context_bytes = size_t{256} * shape.layers * shape.kv_heads * 2 *
                               static_cast<size_t>(shape.head_dim_k + shape.head_dim_v);
  const EngineOptions crowded{.threads = 2,
                              .context = 256,
                              .sequences_max = 6,
                              .chunk_tokens = 40,
                              .kv_bytes_max = context_bytes * 5 / 4};
  for (bool sampled : {false, true}) {
    BatchEngine engine(model, tokenizer, crowded);
    std::vector<PieceStream> streams;
    for (int i = 0; i < answers; ++i) streams.push_back(engine.submit(prompts.make(i, sampled)));
    for (int i = 0; i < answers; ++i) {
      const std::string text = read(streams[i]);
      BatchEngine fresh(model, tokenizer, alone);
      PieceStream stream = fresh.submit(prompts.make(i, sampled));
      EXPECT_EQ(text, read(stream)) << "prompt " << i << (sampled ? ", sampled" : ", greedy");
    }
  }
}

TEST(SameText, WhateverRunsBesideARandomModel) {
  using enum formats::TensorType;
  for (formats::TensorType type : {q4_k, q8_0, f16, f32}) {
    SCOPED_TRACE(formats::info(type).name);
    const RandomModel file({.type = type, .layers = 2, .dim = 256, .head_dim = 64, .ffn_dim = 512});
    const auto model = Model::load(file.file());
    const auto tokenizer = Tokenizer::load(file.file());
    expect_same_text_under_load(*model, *tokenizer, 5);
  }
}

TEST(SameText, WhateverRunsBesideTheBuiltInModel) {
  const formats::Gguf file = formats::Gguf::open(HEARTH_SOURCE_DIR "/models/tales.gguf");
  const auto model = Model::load(file);
  const auto tokenizer = Tokenizer::load(file);
  expect_same_text_under_load(*model, *tokenizer, 8);
}

}  // namespace
}  // namespace hearth::llm
