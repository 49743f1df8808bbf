// POST /api/create through a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "hearth/serve/ollama/ollama_for_test.h"
#include "hearth/store/model_folder_for_test.h"
#include "hearth/store/model_texts.h"

namespace hearth::serve::ollama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kSuccess = "{\"status\":\"success\"}\n";

// Uploads a GGUF file of one F32 matrix [2, 32]; its digest as text.
std::string upload(const OllamaForTest& test) {
  const std::string bytes = read_file(test.folder.write_gguf("up.gguf", "qwen3"));
  const std::string digest = store::sha256(bytes).text();
  EXPECT_EQ(test.post("/api/blobs/" + digest, bytes).status, 201);
  return digest;
}

std::vector<std::string> partial_files(const OllamaForTest& test) {
  std::vector<std::string> found;
  for (const std::string& file : store::files_below(test.store.blobs().folder()))
    if (file.starts_with("partial-")) found.push_back(file);
  return found;
}

TEST(OllamaCreate, AnUploadedFileBecomesAModelWithItsTexts) {
  OllamaForTest test("files");
  const std::string digest = upload(test);
  const Seen seen =
      test.post("/api/create", R"({"model":"mine","files":{"a.gguf":")" + digest +
                                   R"("},"system":"Be terse","parameters":{"top_k":7}})");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.type, "application/x-ndjson");
  EXPECT_THAT(seen.body, HasSubstr(R"({"status":"parsing GGUF"})"
                                   "\n"
                                   R"({"status":"using existing layer )" +
                                   digest + "\"}\n"));
  EXPECT_THAT(seen.body, HasSubstr(R"({"status":"creating new layer sha256:)"));
  EXPECT_TRUE(seen.body.ends_with("{\"status\":\"writing manifest\"}\n" + kSuccess)) << seen.body;
  const store::StoredModel model = test.store.find("mine");
  EXPECT_EQ(model.manifest.find(store::LayerKind::model)->digest.text(), digest);
  const store::ModelTexts texts = store::read_texts(test.store, model);
  EXPECT_EQ(texts.system, "Be terse");
  EXPECT_EQ(texts.parameters, (store::ModelParameters{{"top_k", int64_t{7}}}));
  EXPECT_THAT(test.store.verify(model, store::kNoProgress), testing::IsEmpty());
}

TEST(OllamaCreate, UploadedAdaptersAreNamedAsAtTheClient) {
  OllamaForTest test("adapters");
  test.add("base");
  const std::string bytes = read_file(test.folder.write_gguf("up.gguf", "qwen3", "adapter"));
  const std::string digest = store::sha256(bytes).text();
  ASSERT_EQ(test.post("/api/blobs/" + digest, bytes).status, 201);
  test.post("/api/create",
            R"({"model":"mine","from":"base","adapters":{"pirate.gguf":")" + digest + "\"}}");
  const store::StoredModel model = test.store.find("mine");
  const store::Layer* layer = model.manifest.find(store::LayerKind::adapter);
  ASSERT_NE(layer, nullptr);
  EXPECT_EQ(layer->name, "pirate");
  EXPECT_EQ(layer->digest.text(), digest);
}

TEST(OllamaCreate, AnAdapterThatPeftSavedIsConverted) {
  OllamaForTest test("peft");
  test.add("base");
  store::ModelFolder saved("ollama-peft");
  saved.write("adapter_config.json", R"({"peft_type":"LORA","r":1,"lora_alpha":2})");
  saved.tensor("base_model.model.model.embed_tokens.lora_embedding_A", {1, 2});
  saved.tensor("base_model.model.model.embed_tokens.lora_embedding_B", {32, 1});
  saved.write_tensors();
  std::string files;
  for (const auto& [name, file] : {std::pair{"adapter_config.json", "adapter_config.json"},
                                   {"adapter_model.safetensors", "model.safetensors"}}) {
    const std::string bytes = read_file(saved.path() / file);
    const std::string digest = store::sha256(bytes).text();
    ASSERT_EQ(test.post("/api/blobs/" + digest, bytes).status, 201);
    files += fmt::format(R"({}"{}":"{}")", files.empty() ? "" : ",", name, digest);
  }
  const Seen seen =
      test.post("/api/create", R"({"model":"mine","from":"base","adapters":{)" + files + "}}");
  EXPECT_TRUE(seen.body.ends_with(kSuccess)) << seen.body;
  const store::StoredModel model = test.store.find("mine");
  const store::Layer* layer = model.manifest.find(store::LayerKind::adapter);
  ASSERT_NE(layer, nullptr);
  const auto file = formats::Gguf::open(test.store.blobs().path(layer->digest));
  EXPECT_TRUE(file.find_tensor("token_embd.weight.lora_a"));
  EXPECT_THAT(partial_files(test), testing::IsEmpty());
}

TEST(OllamaCreate, WhatOnlyTheReplacedModelNamedIsRemoved) {
  OllamaForTest test("replaced");
  test.add("base");
  const auto create = [&](const std::string& system) {
    const Seen seen =
        test.post("/api/create", R"({"model":"mine","from":"base","system":")" + system + "\"}");
    EXPECT_TRUE(seen.body.ends_with(kSuccess)) << seen.body;
    return test.store.find("mine").manifest;
  };
  const store::Manifest old = create("the old text"), fresh = create("the new text");
  const auto is_there = [&](const store::Layer* layer) {
    return test.store.blobs().try_size(layer->digest).has_value();
  };
  EXPECT_FALSE(is_there(old.find(store::LayerKind::system)));
  EXPECT_TRUE(is_there(fresh.find(store::LayerKind::system)));
  EXPECT_TRUE(is_there(fresh.find(store::LayerKind::model)));  // base names it, too
}

TEST(OllamaCreate, WithoutStreamingOnlyTheEndIsSaid) {
  OllamaForTest test("quiet");
  test.add("base");
  const Seen seen =
      test.post("/api/create", R"({"model":"mine","from":"base","system":"S","stream":false})");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.type, "application/json; charset=utf-8");
  EXPECT_EQ(seen.body, R"({"status":"success"})");
  const store::StoredModel model = test.store.find("mine");
  EXPECT_EQ(model.manifest.find(store::LayerKind::model)->digest,
            test.store.find("base").manifest.find(store::LayerKind::model)->digest);
  EXPECT_THAT(test.models.unloads(), ElementsAre("mine:latest"));
}

TEST(OllamaCreate, QuantizingReportsAndKeepsTheTexts) {
  OllamaForTest test("quantize");
  test.add("base", "SYSTEM S\nPARAMETER top_k 7");
  const Seen seen =
      test.post("/api/create", R"({"model":"small","from":"base","quantize":"q8_0","system":"T"})");
  EXPECT_THAT(seen.body, HasSubstr(R"({"status":"quantizing F32 model to Q8_0","total":)"));
  EXPECT_TRUE(seen.body.ends_with(kSuccess)) << seen.body;
  const store::ModelTexts texts = store::read_texts(test.store, test.store.find("small"));
  EXPECT_EQ(texts.config.file_type, "Q8_0");
  EXPECT_EQ(texts.system, "T");
  EXPECT_EQ(texts.parameters, (store::ModelParameters{{"top_k", int64_t{7}}}));
  EXPECT_THAT(partial_files(test), testing::IsEmpty());
  const Seen twice =
      test.post("/api/create", R"({"model":"x","from":"small","quantize":"q4_0","stream":false})");
  EXPECT_EQ(twice.status, 400);
  EXPECT_EQ(twice.body, R"({"error":"quantization is only supported for F16, BF16 and F32 models, )"
                        R"(not for Q8_0"})");
}

TEST(OllamaCreate, AModelThatIsNotHereIsPulledFirst) {
  OllamaForTest test("pull");
  test.pull = [&](const std::string& name, bool, const TransferProgressFn& progress,
                  std::stop_token) {
    progress({.status = "pulling manifest", .digest = {}});
    test.add(name);
  };
  const Seen seen = test.post("/api/create", R"({"model":"mine","from":"far","system":"S"})");
  EXPECT_TRUE(seen.body.starts_with("{\"status\":\"pulling manifest\"}\n")) << seen.body;
  EXPECT_TRUE(seen.body.ends_with(kSuccess)) << seen.body;
}

TEST(OllamaCreate, AClientThatLeavesGetsNoModel) {
  OllamaForTest test("leave");
  std::atomic<bool> has_begun = false, has_left = false;
  test.pull = [&](const std::string& name, bool, const TransferProgressFn&, std::stop_token stop) {
    has_begun = true;
    for (int i = 0; i < 3000 && !stop.stop_requested(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    has_left = stop.stop_requested();
    test.add(name);  // the pull came to its end all the same
  };
  {
    http::RawClient client(test.port());
    client.send(request_text("POST", "/api/create",
                             R"({"model":"mine","from":"far","system":"S","stream":false})"));
    for (int i = 0; i < 3000 && !has_begun; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    client.reset();
  }
  for (int i = 0; i < 3000 && !test.store.try_find(store::parse_model_name("far")); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  test.server.stop(std::chrono::seconds(30));  // waits for the handler
  EXPECT_TRUE(has_left);
  EXPECT_TRUE(test.store.try_find(store::parse_model_name("far")).has_value());
  EXPECT_FALSE(test.store.try_find(store::parse_model_name("mine")).has_value());
}

TEST(OllamaCreate, ErrorsBeforeAndAfterTheFirstLine) {
  OllamaForTest test("errors");
  const Seen early = test.post("/api/create", R"({"model":"mine"})");
  EXPECT_EQ(early.status, 400);
  EXPECT_EQ(early.body, R"({"error":"neither 'from' or 'files' was specified"})");
  const std::string hex(64, 'a');
  const Seen absent =
      test.post("/api/create", R"({"model":"mine","files":{"a":"sha256:)" + hex + "\"}}");
  EXPECT_EQ(absent.status, 400);
  EXPECT_EQ(absent.body, R"({"error":"a: blob sha256:)" + hex + R"( was not uploaded"})");
  EXPECT_EQ(test.post("/api/create", R"({"model":"mine","from":"far"})").status, 404);
  const std::string junk = store::sha256("junk").text();
  test.post("/api/blobs/" + junk, "junk");
  const Seen late = test.post("/api/create", R"({"model":"mine","files":{"a":")" + junk + "\"}}");
  EXPECT_EQ(late.status, 200);
  EXPECT_THAT(late.body, HasSubstr("{\"status\":\"parsing GGUF\"}\n{\"error\":\""));
  EXPECT_TRUE(test.store.list().models.empty());
}

TEST(OllamaCreate, AFileOfThisMachineIsNoModel) {
  OllamaForTest test("local");
  const std::string path = test.folder.write_gguf("weights.gguf", "qwen3").string();
  EXPECT_EQ(test.post("/api/create", fmt::format(R"({{"model":"mine","from":"{}"}})", path)).status,
            400);
  EXPECT_TRUE(test.store.list().models.empty());
}

}  // namespace
}  // namespace hearth::serve::ollama
