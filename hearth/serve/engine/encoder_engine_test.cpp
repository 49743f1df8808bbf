#include "hearth/serve/engine/encoder_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "hearth/base/error.h"
#include "hearth/llm/embedder.h"
#include "hearth/llm/models/random_encoder.h"
#include "hearth/serve/engine/engine_for_test.h"

namespace hearth::serve {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;
using ::testing::SizeIs;
using Head = llm::RandomEncoderOptions::Head;
using Ids = std::vector<int32_t>;

// Ids of the random encoder's vocabulary: [CLS] 2, [SEP] 3, "▁a" to "▁z" from 5, "a" to "z" from
// 31, "▁the" 57, "▁cat" 59, "▁sat" 61, "▁." 64.
struct Box {
  explicit Box(const llm::RandomEncoderOptions& options = {}, store::ModelParameters more = {})
      : file(options) {
    more.try_emplace("num_thread", int64_t{1});
    engine = open_model({.path = file.path(), .parameters = std::move(more)});
  }
  std::vector<float> embed(EmbedRequest request) const {
    return engine->embed(request, {}).vectors.at(0);
  }
  llm::RandomEncoder file;
  std::unique_ptr<Engine> engine;
};

float length(const std::vector<float>& vector) {
  double squares = 0;
  for (const float value : vector) squares += double(value) * value;
  return static_cast<float>(std::sqrt(squares));
}

TEST(EncoderEngine, EmbedsTextsBetweenTheTokensThatBertWants) {
  const Box box;
  const EmbedRequest request{.inputs = {"The cat sat.", Ids{2, 57, 59, 61, 64, 3}, Ids{57}}};
  const Embeddings out = box.engine->embed(request, {});
  EXPECT_EQ(out.prompt_tokens, 13);
  ASSERT_THAT(out.vectors, SizeIs(3));
  EXPECT_THAT(out.vectors[0], Pointwise(FloatNear(1e-5f), out.vectors[1]));
  EXPECT_NE(out.vectors[0], out.vectors[2]);
  for (const auto& vector : out.vectors) EXPECT_NEAR(length(vector), 1, 1e-5);
  // The vector is the embedder's own.
  auto direct = llm::make_encoder_embedder(box.file.file(), {.threads = 1});
  std::vector<Ids> ids = {{2, 57, 59, 61, 64, 3}};
  std::vector<float> want = direct->embed(ids, {})[0];
  llm::shape_embedding(want, 0, true);
  EXPECT_THAT(out.vectors[0], Pointwise(FloatNear(1e-5f), want));
}

TEST(EncoderEngine, DimensionsAreCutBeforeTheLengthIsMadeOne) {
  const Box box;
  const std::vector<float> plain = box.embed({.inputs = {"cat"}, .normalise = false});
  std::vector<float> cut = box.embed({.inputs = {"cat"}, .dimensions = 8, .normalise = false});
  ASSERT_THAT(cut, SizeIs(8));
  EXPECT_THAT(cut, Pointwise(FloatNear(1e-6f), std::vector(plain.begin(), plain.begin() + 8)));
  const float size = length(cut);
  for (float& value : cut) value /= size;
  EXPECT_THAT(box.embed({.inputs = {"cat"}, .dimensions = 8}), Pointwise(FloatNear(1e-5f), cut));
  EXPECT_THAT(
      refusal_of(Errc::invalid_argument, [&] { box.embed({.inputs = {"cat"}, .dimensions = 65}); }),
      HasSubstr("dimensions is 65, the model has 64"));
}

TEST(EncoderEngine, LongTextsLoseTheirEndOrAreRefused) {
  const Box box({}, {{"num_ctx", int64_t{5}}});
  EXPECT_EQ(box.engine->facts().context, 5);
  const auto of_ids = [&](Ids ids) { return box.embed({.inputs = {std::move(ids)}}); };
  const Embeddings cut = box.engine->embed({.inputs = {"the cat sat the"}}, {});
  EXPECT_EQ(cut.prompt_tokens, 5);
  EXPECT_THAT(cut.vectors[0], Pointwise(FloatNear(1e-5f), of_ids({2, 57, 59, 61, 3})));
  // Ids that no control token closes just end.
  EXPECT_THAT(of_ids({57, 59, 61, 64, 5, 6}),
              Pointwise(FloatNear(1e-5f), of_ids({57, 59, 61, 64, 5})));
  EXPECT_THAT(
      refusal_of(Errc::too_long,
                 [&] { box.embed({.inputs = {"the cat sat the"}, .overflow = Overflow::error}); }),
      HasSubstr("6 tokens, the context holds 5"));
}

TEST(EncoderEngine, RanksDocumentsByPairsOfTexts) {
  const Box box({.head = Head::dense_and_output});
  const Relevance out = box.engine->rerank({.query = "the cat", .documents = {"sat.", "dog"}}, {});
  EXPECT_EQ(out.prompt_tokens, 7 + 6);
  auto direct = llm::make_encoder_embedder(box.file.file(), {.threads = 1});
  const std::vector<llm::TextPair> pairs = {{{2, 57, 59, 3, 61, 64, 3}, 4},
                                            {{2, 57, 59, 3, 60, 3}, 4}};
  EXPECT_THAT(out.scores, Pointwise(FloatNear(1e-5f), direct->score(pairs, {})));
}

TEST(EncoderEngine, LongPairsLoseTheirDocumentsEndFirst) {
  const Box box({.head = Head::output}, {{"num_ctx", int64_t{8}}});
  auto direct = llm::make_encoder_embedder(box.file.file(), {.threads = 1});
  const auto score = [&](const llm::TextPair& pair) { return direct->score({&pair, 1}, {})[0]; };
  const auto rank = [&](std::string query, std::string document) {
    RerankRequest request{.query = std::move(query), .documents = {std::move(document)}};
    const Relevance out = box.engine->rerank(request, {});
    EXPECT_EQ(out.prompt_tokens, 8);
    return out.scores[0];
  };
  // A short query stays, a long one beside a short document fills what that leaves, and two long
  // ones share.
  EXPECT_NEAR(rank("the", "cat sat dog ran a"), score({{2, 57, 3, 59, 61, 60, 62, 3}, 3}), 1e-5);
  EXPECT_NEAR(rank("cat sat dog ran a b", "the"), score({{2, 59, 61, 60, 62, 3, 57, 3}, 6}), 1e-5);
  EXPECT_NEAR(rank("cat sat dog ran a", "the dog sat a b"),
              score({{2, 59, 61, 3, 57, 60, 61, 3}, 4}), 1e-5);
  EXPECT_THAT(refusal_of(Errc::too_long,
                         [&] {
                           box.engine->rerank({.query = "the cat sat",
                                               .documents = {"dog ran a"},
                                               .overflow = Overflow::error},
                                              {});
                         }),
              HasSubstr("9 tokens, the context holds 8"));
}

TEST(EncoderEngine, SaysWhatItIsAndWhatItCannotDo) {
  const Box box;
  const EngineFacts& facts = box.engine->facts();
  EXPECT_THAT(facts.capabilities.names(), ElementsAre("embedding"));
  EXPECT_EQ(facts.architecture, "bert");
  EXPECT_EQ(facts.context, 96);
  EXPECT_GT(facts.memory_bytes, 4u * 64 * 64);
  EXPECT_TRUE(Box({.head = Head::output}).engine->facts().capabilities.rerank);
  Engine& engine = *box.engine;
  const auto refused = [&](const std::function<void()>& call) {
    return refusal_of(Errc::unsupported, call);
  };
  EXPECT_EQ(refused([&] { engine.answer(chat({user("Hi")})); }), "the model does not support chat");
  EXPECT_EQ(refused([&] { engine.answer(text("Hi")); }), "the model does not support generate");
  EXPECT_EQ(refused([&] { engine.render({}); }), "the model does not support chat");
  EXPECT_EQ(refused([&] { engine.count_tokens(chat({user("Hi")})); }),
            "the model does not support chat");
  EXPECT_EQ(refused([&] { engine.rerank({.query = "a", .documents = {"b"}}, {}); }),
            "the model does not support rerank");
  EXPECT_EQ(refused([&] {
              open_model({.path = box.file.path(), .adapters = {{.name = "a", .path = "a.gguf"}}});
            }),
            "adapter 'a': LoRA adapters cannot be applied");
  EXPECT_EQ(refusal_of(Errc::invalid_argument,
                       [&] { box.embed({.inputs = {"a"}, .adapter = "pirate"}); }),
            "adapter 'pirate' is not loaded with the model");
  EXPECT_THAT(refusal_of(Errc::invalid_argument, [&] { box.embed({.inputs = {Ids{65}}}); }),
              HasSubstr("65"));
}

TEST(EncoderEngine, TextsToIdsAndBack) {
  const Box box;
  EXPECT_THAT(box.engine->tokenize("The cat", true, false), ElementsAre(2, 57, 59, 3));
  EXPECT_THAT(box.engine->tokenize("The cat", false, false), ElementsAre(57, 59));
  EXPECT_EQ(box.engine->count_tokens(text("The cat")), 4);
  EXPECT_THAT(box.engine->detokenize(Ids{57, 59}), HasSubstr("the cat"));
  EXPECT_THAT(refusal_of(Errc::invalid_argument, [&] { box.engine->detokenize(Ids{65}); }),
              HasSubstr("65"));
}

TEST(ModelEngine, GivesTheVectorOfTheLastTokenUnlessTheFileSaysOtherwise) {
  for (const uint32_t type : {0u, 1u}) {
    llm::RandomModelOptions options;
    if (type > 0) options.keys = {{"llama.pooling_type", type}};
    const llm::RandomModel file(options);
    const auto engine =
        open_model({.path = file.path(),
                    .parameters = {{"num_thread", int64_t{1}}, {"num_ctx", int64_t{64}}}});
    EXPECT_THAT(engine->facts().capabilities.names(), ElementsAre("completion", "embedding"));
    const Embeddings out = engine->embed({.inputs = {"that was the end"}, .normalise = false}, {});
    const Ids ids = engine->tokenize("that was the end", true, false);
    EXPECT_EQ(out.prompt_tokens, static_cast<int>(ids.size()));
    const auto model = llm::Model::load(file.file());
    const auto direct = llm::make_decoder_embedder(
        *model, type == 0 ? llm::Pooling::last : llm::Pooling::mean, {.context = 64, .threads = 1});
    EXPECT_THAT(out.vectors[0], Pointwise(FloatNear(1e-4f), direct->embed({&ids, 1}, {})[0]));
    EXPECT_EQ(refusal_of(Errc::unsupported, [&] { engine->rerank({}, {}); }),
              "the model does not support rerank");
  }
}

}  // namespace
}  // namespace hearth::serve
