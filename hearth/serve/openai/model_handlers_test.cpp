// The models, and llama-server's endpoints, on a real server before scripted models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/serve/openai/server_with_fakes_for_test.h"

namespace hearth::serve::openai {
namespace {

using testing::HasSubstr;

TEST(OpenaiModels, AreListedAndShownByAnyName) {
  ServerWithFakes test("models");
  EXPECT_EQ(test.get_json("/v1/models").dump(), R"({"object":"list","data":[]})");
  store::add_model(test.store, "tiny", {"a"});
  store::add_model(test.store, "hf.co/user/repo:Q4_K_M", {"b"});
  const Json list = test.get_json("/v1/models");
  ASSERT_EQ(list["data"].size(), 2u);

  const std::string repo =
      R"({"id":"hf.co/user/repo:Q4_K_M","object":"model","created":0,"owned_by":"user"})";
  for (const char* id :
       {"hf.co/user/repo:Q4_K_M", "hf.co%2Fuser%2Frepo%3AQ4_K_M", "HF.co/user/repo:q4_k_m"})
    EXPECT_EQ(without_ids(test.get_json(fmt::format("/v1/models/{}", id)).dump()), repo);
  EXPECT_EQ(without_ids(test.get_json("/v1/models/tiny").dump()),
            R"({"id":"tiny:latest","object":"model","created":0,"owned_by":"library"})");
  EXPECT_EQ(test.get_json("/v1/models/large", 404).dump(),
            R"({"error":{"message":"model 'large' not found","type":"not_found_error",)"
            R"("param":null,"code":"model_not_found"}})");
  EXPECT_EQ(test.get_json("/v1/models/a:b:c", 404)["error"]["message"], "model 'a:b:c' not found");
}

TEST(OpenaiModels, OfferTheHealthOfTheServer) {
  ServerWithFakes test("health");
  EXPECT_EQ(test.get_json("/health").dump(), R"({"status":"ok"})");
  EXPECT_EQ(test.get_json("/v1/health").dump(), R"({"status":"ok"})");
}

TEST(LlamaServer, ShowsPropertiesOfALoadedModel) {
  ServerWithFakes test("props");
  EXPECT_EQ(test.get_json("/props", 404)["error"]["message"], "no model is loaded");
  const EngineFacts facts = {.capabilities = {.completion = true, .tools = true},
                             .architecture = "qwen3",
                             .context = 4096,
                             .answers_max = 4,
                             .memory_bytes = 1000,
                             .device_bytes = 10};
  test.models.loaded_models.push_back({.name = "tiny:latest", .facts = facts});
  const std::string props =
      R"({"default_generation_settings":{"n_ctx":4096},"total_slots":4,)"
      R"("model_alias":"tiny:latest","modalities":{"vision":false,"audio":false},)"
      R"("architecture":"qwen3","capabilities":["completion","tools"],"memory_bytes":1000,)"
      R"("device_bytes":10})";
  EXPECT_EQ(test.get_json("/props").dump(), props);
  test.models.loaded_models.push_back({.name = "other:latest"});
  EXPECT_EQ(test.get_json("/props?model=tiny").dump(), props);
  EXPECT_EQ(test.get_json("/props", 400)["error"]["message"],
            "2 models are loaded: say which with ?model=");
  EXPECT_EQ(test.get_json("/props?model=x", 404)["error"]["message"], "model 'x' is not loaded");
}

TEST(LlamaServer, TurnsTextsIntoTokensAndBack) {
  ServerWithFakes test("tokens");
  test.models.loaded_models.push_back({.name = "tiny:latest"});
  EXPECT_EQ(test.post_json("/tokenize", R"({"content": "hi"})").dump(), R"({"tokens":[104,105]})");
  EXPECT_EQ(test.post_json("/tokenize", R"({"model": "tiny", "content": "h", "add_special": true})")
                .dump(),
            R"({"tokens":[1,104]})");
  // The bytes of "é" are tokens of their own here.
  EXPECT_EQ(
      test.post_json("/tokenize", "{\"content\": \"a\u00E9\", \"with_pieces\": true}").dump(),
      R"({"tokens":[{"id":97,"piece":"a"},{"id":195,"piece":[195]},{"id":169,"piece":[169]}]})");
  EXPECT_EQ(test.post_json("/detokenize", R"({"tokens": [104, 105]})").dump(),
            R"({"content":"hi"})");
  EXPECT_EQ(test.post_json("/tokenize", "{}", 400)["error"]["message"], "content is required");
  EXPECT_EQ(test.post_json("/detokenize", R"({"tokens": ["a"]})", 400)["error"]["message"],
            "tokens[0] must be a token id");
  EXPECT_EQ(test.post_json("/detokenize", "{}", 400)["error"]["message"],
            "tokens must be a list of token ids");
}

TEST(LlamaServer, RendersAndCountsConversations) {
  ServerWithFakes test("render");
  const std::string body = R"({"model": "tiny", "messages": [{"role": "user", "content": "hi"}]})";
  EXPECT_EQ(test.post_json("/apply-template", body).dump(), R"({"prompt":"user: hi\n"})");
  // The fake counts bytes.
  EXPECT_EQ(test.post_json("/v1/chat/completions/input_tokens", body).dump(),
            R"({"object":"response.input_tokens","input_tokens":9})");
  EXPECT_EQ(
      test.post_json("/v1/responses/input_tokens", R"({"model": "tiny", "input": "hello"})").dump(),
      R"({"object":"response.input_tokens","input_tokens":12})");
}

}  // namespace
}  // namespace hearth::serve::openai
