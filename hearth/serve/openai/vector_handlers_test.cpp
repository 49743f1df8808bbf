// POST /v1/embeddings and /v1/rerank on a real server, before scripted models.
#include <gtest/gtest.h>

#include <cmath>

#include "hearth/serve/openai/embedding_json.h"
#include "hearth/serve/openai/rerank_json.h"
#include "hearth/serve/openai/server_with_fakes_for_test.h"

namespace hearth::serve::openai {
namespace {

using namespace std::chrono_literals;

EmbeddingCall read_embedding(const std::string& fields) {
  return read_embedding_request(Json::parse("{\"model\": \"m\", " + fields + "}"));
}

TEST(EmbeddingRequest, TakesInputsInFourShapes) {
  using Ids = std::vector<int32_t>;
  EXPECT_EQ(std::get<std::string>(read_embedding(R"("input": "a")").request.inputs.at(0)), "a");
  EXPECT_EQ(read_embedding(R"("input": ["a", "b"])").request.inputs.size(), 2u);
  EXPECT_EQ(std::get<Ids>(read_embedding(R"("input": [1, 2])").request.inputs.at(0)), (Ids{1, 2}));
  EXPECT_EQ(std::get<Ids>(read_embedding(R"("input": [[1], [2]])").request.inputs.at(1)), (Ids{2}));
  EXPECT_EQ(read_embedding(R"("input": "a")").request.overflow, Overflow::error);
  EXPECT_EQ(read_embedding(R"("input": "a", "truncate": true)").request.overflow,
            Overflow::truncate);
}

TEST(EmbeddingRequest, SaysWhatIsWrong) {
  struct Row {
    const char* fields;
    const char* message;
  };
  const Row rows[] = {
      {R"("input": null)", "input is required"},
      {R"("input": {})", "input must be a text, or a list of texts or token ids that is not empty"},
      {R"("input": [])", "input must be a text, or a list of texts or token ids that is not empty"},
      {R"("input": ["a", 1])", "input[1] must be a text or a list of token ids"},
      {R"("input": [[]])", "input[0] must not be empty"},
      {R"("input": [1, "a"])", "input[1] must be a token id"},
      {R"("input": "a", "encoding_format": "hex")", "encoding_format must be float or base64"},
      {R"("input": "a", "dimensions": 0)", "dimensions must be at least 1"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(error_of([&] { read_embedding(row.fields); }), row.message) << row.fields;
}

TEST(Embeddings, AreNumbersOrBase64) {
  ServerWithFakes test("embeddings");
  const Json numbers = test.post_json("/v1/embeddings",
                                      R"({"model": "tiny", "input": ["a", "b"], "dimensions": 2})");
  EXPECT_EQ(numbers.dump(),
            R"({"object":"list","data":[)"
            R"({"object":"embedding","index":0,"embedding":[1,2]},)"
            R"({"object":"embedding","index":1,"embedding":[1,2]}],)"
            R"("model":"tiny:latest","usage":{"prompt_tokens":2,"total_tokens":2}})");
  const Json base64 = test.post_json(
      "/v1/embeddings",
      R"({"model": "tiny", "input": "a", "dimensions": 2, "encoding_format": "base64"})");
  // 1 and 2 are 00 00 80 3F and 00 00 00 40.
  EXPECT_EQ(base64["data"][0]["embedding"], "AACAPwAAAEA=");
  EXPECT_TRUE(test.models.embeds().at(0).normalise);
}

TEST(Embeddings, AreAsShortAsTheirNumbersAllow) {
  ServerWithFakes test("embeddings-short");
  test.models.engine.on_embed = [](const EmbedRequest&) {
    return Embeddings{.vectors = {{0.1f, -2}}, .prompt_tokens = 1};
  };
  EXPECT_EQ(http::body_in(test.post("/v1/embeddings", R"({"model": "tiny", "input": "a"})")),
            R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-2]}],)"
            R"("model":"tiny:latest","usage":{"prompt_tokens":1,"total_tokens":1}})");
}

TEST(Embeddings, ThatAreNoNumbersAreAnErrorInEitherForm) {
  ServerWithFakes test("embeddings-nan");
  test.models.engine.on_embed = [](const EmbedRequest&) {
    return Embeddings{.vectors = {{1, std::nanf("")}}, .prompt_tokens = 1};
  };
  for (const char* format : {"float", "base64"})
    EXPECT_EQ(test.post_json(
                  "/v1/embeddings",
                  fmt::format(R"({{"model": "t", "input": "a", "encoding_format": "{}"}})", format),
                  422)["error"]["code"],
              "corrupt_data");
}

TEST(Embeddings, AnswerErrorsInTheirForm) {
  ServerWithFakes test("embeddings-errors");
  EXPECT_EQ(test.post_json("/v1/embeddings", R"({"model": "tiny"})", 400).dump(),
            R"({"error":{"message":"input is required","type":"invalid_request_error",)"
            R"("param":"input","code":null}})");
  test.models.engine.on_embed = [](const EmbedRequest&) -> Embeddings {
    throw Error(Errc::unsupported, "\"tiny\" does not support embeddings");
  };
  EXPECT_EQ(test.post_json("/v1/embeddings", R"({"model": "tiny", "input": "a"})", 501).dump(),
            R"({"error":{"message":"\"tiny\" does not support embeddings",)"
            R"("type":"not_supported_error","param":null,"code":"unsupported"}})");
  test.models.engine.on_embed = [](const EmbedRequest&) -> Embeddings {
    throw Error(Errc::too_long, "9 tokens, 8 fit");
  };
  EXPECT_EQ(test.post_json("/v1/embeddings", R"({"model": "tiny", "input": "a"})", 400).dump(),
            R"({"error":{"message":"9 tokens, 8 fit","type":"invalid_request_error",)"
            R"("param":null,"code":"context_length_exceeded"}})");
  test.models.on_submit = [](const ModelCall&) { throw Refusal(2s, 503, "too many wait"); };
  EXPECT_EQ(http::header_in(test.post("/v1/embeddings", R"({"model": "tiny", "input": "a"})"),
                            "retry-after"),
            "2");
}

RerankCall read_rerank(const std::string& body) { return read_rerank_request(Json::parse(body)); }

TEST(RerankRequest, SaysWhatIsWrong) {
  struct Row {
    const char* body;
    const char* message;
  };
  const Row rows[] = {
      {R"({"documents": ["a"]})", "query is required"},
      {R"({"query": "q"})", "documents is required"},
      {R"({"query": "q", "documents": []})", "documents must not be empty"},
      {R"({"query": "q", "documents": [1]})",
       "documents[0] must be a text or an object with a text"},
      {R"({"query": "q", "texts": [{}]})", "texts[0].text is required"},
      {R"({"query": "q", "documents": ["a"], "top_n": 0})", "top_n must be at least 1"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(error_of([&] { read_rerank(row.body); }), row.message) << row.body;
}

TEST(Rerank, AnswersInTheShapeOfJinaAndCohere) {
  ServerWithFakes test("rerank");
  test.models.engine.on_rerank = [](const RerankRequest&) {
    return Relevance{.scores = {0.5f, -1, 0.5f}, .prompt_tokens = 12};
  };
  const std::string body =
      R"({"model": "tiny", "query": "q", "documents": ["a", {"text": "b"}, "c"])";
  for (const char* path : {"/v1/rerank", "/rerank", "/v1/reranking", "/reranking", "/v2/rerank"})
    EXPECT_EQ(test.post_json(path, body + "}").dump(),
              R"({"model":"tiny:latest","object":"list","usage":{"prompt_tokens":12,)"
              R"("total_tokens":12},"results":[{"index":0,"relevance_score":0.5},)"
              R"({"index":2,"relevance_score":0.5},{"index":1,"relevance_score":-1.0}]})");
  EXPECT_EQ(test.models.reranks().at(0).documents, (std::vector<std::string>{"a", "b", "c"}));
  const Json best = test.post_json("/rerank", body + R"(, "top_n": 1, "return_documents": true})");
  EXPECT_EQ(best["results"].dump(),
            R"([{"index":0,"relevance_score":0.5,"document":{"text":"a"}}])");
}

TEST(Rerank, AnswersInTheShapeOfTeiWithoutAModelsName) {
  ServerWithFakes test("rerank-tei");
  const std::string body = R"({"query": "q", "texts": ["a", "b"], "return_text": true})";
  EXPECT_EQ(test.post_json("/rerank", body, 400)["error"]["message"],
            "model is required where 0 models are loaded");
  test.models.loaded_models.push_back({.name = "tiny:latest"});
  EXPECT_EQ(test.post_json("/rerank", body).dump(),
            R"([{"index":1,"score":1.0,"text":"b"},{"index":0,"score":0.0,"text":"a"}])");
  EXPECT_EQ(test.models.calls().at(0).model, "tiny:latest");
}

}  // namespace
}  // namespace hearth::serve::openai
