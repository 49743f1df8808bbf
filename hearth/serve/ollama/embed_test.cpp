// POST /api/embed and /api/embeddings through a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "hearth/serve/ollama/ollama_for_test.h"

namespace hearth::serve::ollama {
namespace {

TEST(OllamaEmbed, VectorsAreShortestDecimalsAndMetricsFollow) {
  OllamaForTest test("embed");
  test.models.engine.on_embed = [](const EmbedRequest& request) {
    EXPECT_TRUE(request.normalise);
    return Embeddings{.vectors = {{0.1f, -2}, {1e-7f, 0.5f}}, .prompt_tokens = 4};
  };
  const Seen seen = test.post("/api/embed", R"({"model":"Tiny","input":["a","b"]})");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.type, "application/json; charset=utf-8");
  EXPECT_EQ(seen.body, R"({"model":"Tiny","embeddings":[[0.1,-2],[1e-07,0.5]],"total_duration":9,)"
                       R"("load_duration":250,"prompt_eval_count":4})");
}

TEST(OllamaEmbed, NothingToEmbedOnlyLoads) {
  OllamaForTest test("nothing");
  EXPECT_EQ(test.post("/api/embed", R"({"model":"Tiny"})").body,
            R"({"model":"Tiny","embeddings":[],"total_duration":9,"load_duration":250})");
  EXPECT_EQ(test.post("/api/embeddings", R"({"model":"Tiny"})").body, R"({"embedding":[]})");
  EXPECT_EQ(test.models.calls().size(), 2u);
  EXPECT_TRUE(test.models.embeds().empty());
}

TEST(OllamaEmbed, TheOlderEndpointGivesOneVectorAsItIs) {
  OllamaForTest test("older");
  EXPECT_EQ(test.post("/api/embeddings", R"({"model":"Tiny","prompt":"a"})").body,
            R"({"embedding":[1,2,3]})");
  EXPECT_FALSE(test.models.embeds().at(0).normalise);
}

TEST(OllamaEmbed, ErrorsHaveOllamasWords) {
  OllamaForTest test("errors");
  EXPECT_EQ(test.post("/api/embed", R"({"model":"Tiny","input":[7]})").body,
            R"({"error":"invalid input type"})");
  const std::string ask = R"({"model":"Tiny","input":"a","truncate":false})";
  test.models.engine.on_embed = [](const EmbedRequest&) -> Embeddings {
    throw Error(Errc::too_long, "9 tokens, 8 fit");
  };
  const Seen long_one = test.post("/api/embed", ask);
  EXPECT_EQ(long_one.status, 400);
  EXPECT_EQ(long_one.body, R"({"error":"the input length exceeds the context length"})");
  test.models.engine.on_embed = [](const EmbedRequest&) -> Embeddings {
    throw Error(Errc::unsupported, "this model makes no embeddings");
  };
  EXPECT_EQ(test.post("/api/embed", ask).status, 400);
  test.models.engine.on_embed = [](const EmbedRequest&) {
    return Embeddings{.vectors = {{std::numeric_limits<float>::quiet_NaN()}}, .prompt_tokens = 1};
  };
  EXPECT_EQ(test.post("/api/embed", ask).status, 500);
  test.models.on_submit = [](const ModelCall&) { throw Error(Errc::not_found, "?"); };
  const Seen missing = test.post("/api/embed", ask);
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body, R"({"error":"model 'Tiny' not found"})");
}

}  // namespace
}  // namespace hearth::serve::ollama
