// POST /api/show through a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/serve/api/json_fields.h"
#include "hearth/serve/ollama/ollama_for_test.h"
#include "hearth/serve/ollama/show_json.h"

namespace hearth::serve::ollama {
namespace {

using testing::ElementsAre;

TEST(OllamaShow, EverythingThatAModelSays) {
  OllamaForTest test("show");
  const store::StoredModel model =
      test.add("tiny",
               "TEMPLATE {{ .Prompt }}{{ .Tools }}\nSYSTEM Be terse\nPARAMETER stop <|x|>\n"
               "PARAMETER temperature 0.5\nLICENSE MIT\nLICENSE BSD\nMESSAGE user hi\n"
               "RENDERER r\nPARSER p\nREQUIRES 0.14.0");
  const Seen seen = test.post("/api/show", R"({"model":"TINY"})");
  EXPECT_EQ(seen.status, 200);
  const std::string blob =
      test.store.blobs().path(model.manifest.find(store::LayerKind::model)->digest).string();
  const std::string modelfile =
      "# What makes tiny:latest. To build on it, write instead:\\n# FROM tiny:latest\\n\\nFROM " +
      blob +
      "\\nTEMPLATE {{ .Prompt }}{{ .Tools }}\\nSYSTEM Be terse\\nPARAMETER stop <|x|>\\n"
      "PARAMETER temperature 0.5\\nMESSAGE user hi\\nRENDERER r\\nPARSER p\\nREQUIRES 0.14.0\\n"
      "LICENSE MIT\\nLICENSE BSD\\n";
  EXPECT_EQ(seen.body,
            R"({"license":"MIT\nBSD","modelfile":")" + modelfile +
                R"(","parameters":"stop                           \"<|x|>\"\n)"
                R"(temperature                    0.5","template":"{{ .Prompt }}{{ .Tools }}",)"
                R"("system":"Be terse","renderer":"r","parser":"p",)"
                R"("details":{"parent_model":"","format":"gguf","family":"qwen3",)"
                R"("families":["qwen3"],"parameter_size":"64","quantization_level":"F32"},)"
                R"("messages":[{"role":"user","content":"hi"}],)"
                R"("model_info":{"general.architecture":"qwen3","general.type":"model",)"
                R"("general.file_type":0,"general.parameter_count":64},)"
                R"("tensors":[{"name":"token_embd.weight","type":"F32","shape":[32,2]}],)"
                R"("capabilities":["completion"],"modified_at":"T","requires":"0.14.0"})");
}

TEST(OllamaShow, TheSystemTextCanBeReplacedAndAbsentTextsAreLeftOut) {
  OllamaForTest test("system");
  test.add("tiny");
  const Json json = Json::parse(test.post("/api/show", R"({"name":"tiny","system":"S"})").body);
  EXPECT_EQ(json["system"], "S");
  EXPECT_EQ(json["template"], "");
  EXPECT_FALSE(json.contains("license") || json.contains("parameters") ||
               json.contains("messages"));
}

TEST(OllamaShow, AModelThatIsNotThereIs404) {
  OllamaForTest test("missing");
  for (const char* name : {"nope", "/no/name/at/all/"}) {
    const Seen seen = test.post("/api/show", fmt::format(R"({{"model":"{}"}})", name));
    EXPECT_EQ(seen.status, 404);
    EXPECT_EQ(seen.body, fmt::format(R"({{"error":"model '{}' not found"}})", name));
  }
  EXPECT_EQ(test.post("/api/show", "{}").body, R"({"error":"model is required"})");
}

// A file with the given metadata and no tensors.
class Metadata {
 public:
  template <class Set>
  explicit Metadata(std::string_view name, Set set) : folder_(name) {
    formats::GgufWriter out(folder_.path() / "m.gguf");
    set(out);
    out.finish();
  }
  formats::Gguf open() const { return formats::Gguf::open(folder_.path() / "m.gguf"); }

 private:
  store::StoreFolder folder_;
};

TEST(OllamaShow, LongArraysAreEmptyUnlessAskedFor) {
  const Metadata file("arrays", [](formats::GgufWriter& out) {
    out.set("general.architecture", std::string("llama"));
    out.set("general.name", std::string("N"));
    out.set("tokenizer.chat_template", std::string("T"));
    out.set("a.five", formats::GgufArray{std::vector<int32_t>{1, 2, 3, 4, 5}});
    out.set("a.six", formats::GgufArray{std::vector<std::string>{"1", "2", "3", "4", "5", "\xFF"}});
    out.set("a.flags", formats::GgufArray{std::vector<bool>{true, false}});
  });
  EXPECT_EQ(model_info_json(file.open(), false).dump(),
            R"({"general.architecture":"llama","a.five":[1,2,3,4,5],"a.six":[],)"
            R"("a.flags":[true,false],"general.parameter_count":0})");
  EXPECT_EQ(model_info_json(file.open(), true)["a.six"].size(), 6u);
}

TEST(OllamaShow, WhatClientsTakeForAnEmbeddingModelCannotChat) {
  OllamaForTest test("capabilities");
  test.add("chat", "TEMPLATE \"{{ .Prompt }}{{ .Tools }}<tool_call>{{ .Suffix }}\"");
  EXPECT_EQ(Json::parse(test.post("/api/show", R"({"model":"chat"})").body)["capabilities"],
            Json::array({"completion", "tools", "insert"}));
}

}  // namespace
}  // namespace hearth::serve::ollama
