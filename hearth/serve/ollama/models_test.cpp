// GET /api/tags and /api/ps, POST /api/copy, DELETE /api/delete through a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/serve/ollama/ollama_for_test.h"

namespace hearth::serve::ollama {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kDetails =
    R"({"parent_model":"","format":"gguf","family":"qwen3","families":["qwen3"],)"
    R"("parameter_size":"64","quantization_level":"F32"})";

TEST(OllamaModels, TagsShowsWhatIsStored) {
  OllamaForTest test("tags");
  EXPECT_EQ(test.get("/api/tags").body, R"({"models":[]})");
  const store::StoredModel model = test.add("Tiny:v1");
  const Seen seen = test.get("/api/tags");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.type, "application/json; charset=utf-8");
  EXPECT_EQ(seen.body,
            fmt::format(R"({{"models":[{{"name":"Tiny:v1","model":"Tiny:v1","modified_at":"T",)"
                        R"("size":{},"digest":"{}","details":{}}}]}})",
                        model.size_bytes, model.digest.hex(), kDetails));
  EXPECT_EQ(test.ask("HEAD", "/api/tags", "").status, 200);
}

TEST(OllamaModels, ADamagedModelHidesNoOther) {
  OllamaForTest test("damaged");
  const store::StoredModel model = test.add("tiny");
  fs::remove(test.store.blobs().path(model.manifest.config.digest));
  test.folder.write("models/manifests/registry.ollama.ai/library/bad/latest", "no JSON");
  const Seen seen = test.get("/api/tags");
  EXPECT_EQ(seen.status, 200);
  EXPECT_THAT(seen.body, HasSubstr(R"("name":"tiny:latest")"));
  EXPECT_THAT(seen.body, HasSubstr(R"("format":"")"));
  EXPECT_EQ(test.warnings().size(), 2u);
}

TEST(OllamaModels, PsShowsWhatIsLoaded) {
  OllamaForTest test("ps");
  const store::StoredModel model = test.add("tiny");
  test.models.loaded_models = {
      {.name = "tiny:latest",
       .digest = model.digest,
       .facts = {.context = 4096, .memory_bytes = 3000, .device_bytes = 1000},
       .expires = std::chrono::system_clock::time_point::max()}};
  EXPECT_EQ(test.get("/api/ps").body,
            R"({"models":[{"name":"tiny:latest","model":"tiny:latest","size":3000,"digest":")" +
                model.digest.hex() + R"(","details":)" + kDetails +
                R"(,"expires_at":"T","size_vram":1000,"context_length":4096}]})");
}

TEST(OllamaModels, CopyMakesASecondName) {
  OllamaForTest test("copy");
  test.add("tiny");
  const Seen seen = test.post("/api/copy", R"({"source":"tiny","destination":"me/other:v2"})");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.body, "");
  EXPECT_EQ(test.store.find("me/other:v2").digest, test.store.find("tiny").digest);
  EXPECT_THAT(test.models.unloads(), ElementsAre("me/other:v2"));
  const Seen missing = test.post("/api/copy", R"({"source":"nope","destination":"x"})");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body, R"({"error":"model \"nope\" not found"})");
  EXPECT_EQ(test.post("/api/copy", R"({"source":"tiny"})").body,
            R"({"error":"destination is required"})");
  const Seen bad = test.post("/api/copy", R"({"source":"tiny","destination":"../x"})");
  EXPECT_EQ(bad.status, 400);
  EXPECT_THAT(bad.body, HasSubstr(R"({"error":"destination \"../x\" is invalid: )"));
}

TEST(OllamaModels, DeleteTakesBothNamesOfTheField) {
  OllamaForTest test("delete");
  test.add("tiny");
  test.add("small");
  const Seen seen = test.ask("DELETE", "/api/delete", R"({"model":"tiny"})");
  EXPECT_EQ(seen.status, 200);
  EXPECT_EQ(seen.body, "");
  EXPECT_EQ(test.ask("DELETE", "/api/delete", R"({"name":"small"})").status, 200);
  EXPECT_TRUE(test.store.list().models.empty());
  EXPECT_THAT(test.models.unloads(), ElementsAre("tiny", "small"));
  const Seen missing = test.ask("DELETE", "/api/delete", R"({"model":"tiny"})");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body, R"({"error":"model 'tiny' not found"})");
  EXPECT_EQ(test.ask("DELETE", "/api/delete", "{}").body, R"({"error":"model is required"})");
}

}  // namespace
}  // namespace hearth::serve::ollama
