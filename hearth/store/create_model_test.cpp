#include "hearth/store/create_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "hearth/store/full_disk_for_test.h"
#include "hearth/store/model_folder_for_test.h"
#include "hearth/store/model_texts.h"
#include "hearth/store/store_folder_for_test.h"

namespace hearth::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const auto ignore_progress = [](const CreateProgress&) {};

class CreateModel : public testing::Test {
 protected:
  CreateModel() : folder_("create"), store_(folder_.open()) {}

  StoredModel create(std::string_view name, std::string_view modelfile) {
    return create_model(store_, parse_model_name(name), parse_modelfile(modelfile, "Modelfile"),
                        {.folder = folder_.path()}, ignore_progress);
  }
  std::string error(std::string_view modelfile) {
    return message_of([&] { create("m", modelfile); });
  }
  ModelTexts texts(std::string_view name) { return read_texts(store_, store_.find(name)); }

  StoreFolder folder_;
  ModelStore store_;
};

TEST_F(CreateModel, AGgufFileBecomesAModelWithItsTexts) {
  const fs::path file = folder_.write_gguf("weights.gguf", "qwen3");
  const StoredModel model = create("Mine:v1",
                                   "FROM weights.gguf\nSYSTEM Be terse\nTEMPLATE {{ .Prompt }}\n"
                                   "PARAMETER num_ctx 4096\nPARAMETER stop x\nLICENSE MIT\n"
                                   "LICENSE BSD\nMESSAGE user hi\nMESSAGE assistant ho\n"
                                   "RENDERER r\nPARSER p\nREQUIRES 0.14.0");
  EXPECT_EQ(model.name.shown(), "Mine:v1");
  const Layer* weights = model.manifest.find(LayerKind::model);
  ASSERT_TRUE(weights);
  EXPECT_EQ(read_file(store_.blobs().path(weights->digest)), read_file(file));
  EXPECT_THAT(store_.verify(model, kNoProgress), IsEmpty());

  const ModelTexts got = texts("mine:v1");
  EXPECT_EQ(got.config.model_format, "gguf");
  EXPECT_EQ(got.config.model_family, "qwen3");
  EXPECT_THAT(got.config.model_families, ElementsAre("qwen3"));
  EXPECT_EQ(got.config.model_type, "64");  // 32 * 2 weights
  EXPECT_EQ(got.config.file_type, "F32");
  EXPECT_EQ(got.config.renderer, "r");
  EXPECT_EQ(got.config.parser, "p");
  EXPECT_EQ(got.config.requires_version, "0.14.0");
  EXPECT_EQ(got.system, "Be terse");
  EXPECT_EQ(got.template_text, "{{ .Prompt }}");
  EXPECT_EQ(print_parameters(got.parameters), R"({"num_ctx":4096,"stop":["x"]})");
  EXPECT_THAT(got.licenses, ElementsAre("MIT", "BSD"));
  EXPECT_THAT(got.messages,
              ElementsAre(ModelMessage{"user", "hi"}, ModelMessage{"assistant", "ho"}));
}

TEST_F(CreateModel, AnArchitectureThatIsNoTextIsRefused) {
  folder_.write_gguf("weights.gguf", "\xFF\xFE");
  EXPECT_EQ(code_of([&] { create("m", "FROM weights.gguf"); }), Errc::invalid_argument);
  EXPECT_THAT(store_.list().models, IsEmpty());
}

TEST_F(CreateModel, TheConfigIsWhatRegistriesExpect) {
  folder_.write_gguf("weights.gguf", "qwen3");
  const StoredModel model = create("m", "FROM weights.gguf");
  EXPECT_EQ(store_.read(model.manifest.config),
            R"({"model_format":"gguf","model_family":"qwen3","model_type":"64","file_type":"F32",)"
            R"("model_families":["qwen3"],"architecture":"amd64","os":"linux",)"
            R"("rootfs":{"type":"layers","diff_ids":[")" +
                model.manifest.layers.at(0).digest.text() + R"("]}})");
  EXPECT_EQ(model.manifest.config.media_type, "application/vnd.docker.container.image.v1+json");
}

TEST_F(CreateModel, AModelFromAModelTakesOverWhatItDoesNotReplace) {
  folder_.write_gguf("weights.gguf", "llama");
  const StoredModel base = create("base",
                                  "FROM weights.gguf\nSYSTEM old\nTEMPLATE t\nLICENSE MIT\n"
                                  "PARAMETER top_k 1\nPARAMETER stop a\nMESSAGE user hi");
  const StoredModel model = create("child",
                                   "FROM BASE\nSYSTEM new\nPARAMETER stop b\nLICENSE MIT\n"
                                   "LICENSE BSD\nTEMPLATE \"\"\n");
  const ModelTexts got = texts("child");
  EXPECT_EQ(got.system, "new");
  EXPECT_EQ(got.template_text, std::nullopt);
  EXPECT_THAT(got.licenses, ElementsAre("MIT", "BSD"));
  EXPECT_EQ(print_parameters(got.parameters), R"({"stop":["b"],"top_k":1})");
  EXPECT_THAT(got.messages, ElementsAre(ModelMessage{"user", "hi"}));
  EXPECT_EQ(got.config.model_family, "llama");
  const Layer* weights = model.manifest.find(LayerKind::model);
  EXPECT_EQ(weights->digest, base.manifest.find(LayerKind::model)->digest);
  EXPECT_EQ(weights->from, "registry.ollama.ai/library/base:latest");
}

TEST_F(CreateModel, FieldsOfAConfigThatHearthDoesNotKnowAreKept) {
  const fs::path file = folder_.write_gguf("weights.gguf", "llama");
  {
    const StoreWriter writer(store_);
    Manifest manifest;
    manifest.config =
        writer.add_config(R"({"model_family":"llama","remote_host":"h","parser":"p"})");
    manifest.layers = {writer.add_file(LayerKind::model, file, TakeFile::hard_link, kNoProgress)};
    writer.commit(parse_model_name("base"), manifest);
  }
  const StoredModel child = create("child", "FROM base\nSYSTEM s\nPARSER q");
  EXPECT_THAT(store_.read(child.manifest.config), HasSubstr(R"("remote_host":"h")"));
  EXPECT_EQ(texts("child").config.parser, "q");
}

TEST_F(CreateModel, ProjectorsAndAdaptersAreLayersOfTheirOwn) {
  folder_.write_gguf("weights.gguf", "llama");
  folder_.write_gguf("mmproj.gguf", "clip");
  folder_.write_gguf("lora.gguf", "llama", "adapter");
  const StoredModel model = create("m", "FROM mmproj.gguf\nFROM weights.gguf\nADAPTER " +
                                            (folder_.path() / "lora.gguf").string());
  EXPECT_TRUE(model.manifest.find(LayerKind::projector));
  EXPECT_TRUE(model.manifest.find(LayerKind::adapter));
  EXPECT_THAT(texts("m").config.model_families, ElementsAre("llama", "clip"));
}

TEST_F(CreateModel, AdaptersAreNamedAfterTheirFilesUnlessTheNameIsTaken) {
  folder_.write_gguf("weights.gguf", "llama");
  fs::create_directories(folder_.path() / "other");
  for (const char* file : {"pirate.gguf", "poet.lora", "other/pirate.gguf"})
    folder_.write_gguf(file, "llama", "adapter");
  const StoredModel model = create_model(
      store_, parse_model_name("m"),
      parse_modelfile("FROM weights.gguf\nADAPTER pirate.gguf\nADAPTER poet.lora\n"
                      "ADAPTER other/pirate.gguf\nADAPTER ./pirate.gguf",
                      "Modelfile"),
      {.folder = folder_.path(), .adapter_names = {{"./pirate.gguf", "captain"}}}, ignore_progress);
  std::vector<std::string> names;
  for (const Layer& layer : model.manifest.layers)
    if (layer.kind() == LayerKind::adapter) names.push_back(layer.name);
  EXPECT_THAT(names, ElementsAre("pirate", "poet.lora", "", "captain"));
  EXPECT_EQ(store_.find("m").manifest, model.manifest);
}

TEST_F(CreateModel, AnAdapterThatPeftSavedIsConverted) {
  folder_.write_gguf("weights.gguf", "llama");  // a matrix token_embd.weight [2, 32]
  ModelFolder saved("peft");
  saved.write("adapter_config.json", R"({"peft_type":"LORA","r":1,"lora_alpha":2})");
  saved.tensor("base_model.model.model.embed_tokens.lora_embedding_A", {1, 2});
  saved.tensor("base_model.model.model.embed_tokens.lora_embedding_B", {32, 1});
  saved.write_tensors();
  fs::rename(saved.path() / "model.safetensors", saved.path() / "adapter_model.safetensors");
  const StoredModel model =
      create("m", "FROM weights.gguf\nADAPTER " + saved.path().string() + "/");
  const Layer* layer = model.manifest.find(LayerKind::adapter);
  ASSERT_TRUE(layer);
  EXPECT_EQ(layer->name, saved.path().filename().string());
  const auto file = formats::Gguf::open(store_.blobs().path(layer->digest));
  EXPECT_EQ(file.string("general.type"), "adapter");
  EXPECT_TRUE(file.find_tensor("token_embd.weight.lora_b"));
  for (const std::string& name : files_below(store_.blobs().folder()))
    EXPECT_THAT(name, testing::StartsWith("sha256-"));
}

TEST_F(CreateModel, WhatCannotBeAModelIsAnErrorAndChangesNothing) {
  folder_.write_gguf("weights.gguf", "llama");
  folder_.write_gguf("lora.gguf", "llama", "adapter");
  folder_.write_gguf("mmproj.gguf", "clip");
  folder_.write("broken.gguf", "GGUF");
  fs::create_directories(folder_.path() / "safetensors");
  EXPECT_EQ(error("FROM none"), "FROM none: no such file, and model 'none' not found");
  EXPECT_EQ(error("FROM ./none.gguf"),
            "FROM ./none.gguf: no such file, and model './none.gguf' not found");
  EXPECT_THAT(error("FROM safetensors"), HasSubstr("a folder; import it as one GGUF file first"));
  EXPECT_THAT(error("FROM broken.gguf"), HasSubstr("broken.gguf"));
  EXPECT_THAT(error("FROM lora.gguf"), HasSubstr("an adapter, which ADAPTER takes"));
  EXPECT_THAT(error("FROM weights.gguf\nADAPTER weights.gguf"), HasSubstr("not an adapter"));
  EXPECT_THAT(error("FROM weights.gguf\nADAPTER none"), HasSubstr("none"));
  EXPECT_THAT(error("FROM weights.gguf\nADAPTER safetensors"), HasSubstr("adapter_config.json"));
  EXPECT_THAT(error("FROM weights.gguf\nFROM weights.gguf"), HasSubstr("a model was named before"));
  EXPECT_THAT(error("FROM mmproj.gguf"), HasSubstr("names no model"));
  EXPECT_THAT(error("FROM weights.gguf\nDRAFT weights.gguf"), HasSubstr("draft models"));
  EXPECT_THAT(store_.list().models, IsEmpty());
  EXPECT_THAT(store_.list().broken, IsEmpty());
}

TEST_F(CreateModel, ProgressIsToldInOllamasWordsAndCancels) {
  folder_.write_gguf("weights.gguf", "llama");
  const Modelfile file = parse_modelfile("FROM weights.gguf\nSYSTEM s", "Modelfile");
  std::vector<std::string> said;
  const auto note = [&](const CreateProgress& progress) { said.emplace_back(progress.status); };
  const StoredModel model =
      create_model(store_, parse_model_name("m"), file, {.folder = folder_.path()}, note);
  EXPECT_THAT(
      said, ElementsAre("parsing GGUF", "copying file",
                        "creating new layer " + model.manifest.layers[0].digest.text(),
                        "creating new layer " + sha256("s").text(), "writing manifest", "success"));
  for (const std::string& last : said) {
    if (last == "success") break;  // then it is there
    const auto cancel = [&](const CreateProgress& progress) {
      if (progress.status == last) throw 7;
    };
    EXPECT_THROW(
        create_model(store_, parse_model_name("other"), file, {.folder = folder_.path()}, cancel),
        int);
    EXPECT_EQ(store_.try_find(parse_model_name("other")), std::nullopt) << last;
  }
}

TEST_F(CreateModel, AFullDiskLeavesTheModelsThatWereThere) {
  folder_.write_gguf("weights.gguf", "llama");
  create("m", "FROM weights.gguf\nSYSTEM old");
  {
    const FullDisk disk(200);
    EXPECT_EQ(code_of([&] { create("m", "FROM weights.gguf\nSYSTEM " + std::string(300, 'x')); }),
              Errc::resource_exhausted);
  }
  EXPECT_EQ(texts("m").system, "old");
  EXPECT_EQ(store_.prune({}).files_removed, 0u);
}

TEST_F(CreateModel, AStoredModelGivesItsModelfileBack) {
  folder_.write_gguf("weights.gguf", "llama");
  const std::string text =
      "FROM weights.gguf\nTEMPLATE \"\"\"a\nb\"\"\"\nSYSTEM s\nPARAMETER stop x\nPARAMETER stop y\n"
      "MESSAGE user hi\nRENDERER r\nLICENSE MIT\n";
  create("m", text);
  EXPECT_EQ(print_modelfile(modelfile_of(texts("m"), "weights.gguf")), text);
}

TEST(ModelConfig, CountsOfParametersReadAsOllamaShowsThem) {
  EXPECT_EQ(format_parameter_count(8'030'261'248), "8.0B");
  EXPECT_EQ(format_parameter_count(134'515'008), "134.52M");
  EXPECT_EQ(format_parameter_count(15'000), "15K");
  EXPECT_EQ(format_parameter_count(999), "999");
}

TEST(ModelConfig, AWrongFieldIsNamed) {
  EXPECT_EQ(message_of([] { parse_model_config(R"({"model_family":3})", "x"); }),
            "x: 'model_family': not a string");
  EXPECT_EQ(message_of([] { parse_model_config(R"({"model_families":[3]})", "x"); }),
            "x: 'model_families': not a list of strings");
  EXPECT_THAT(parse_model_config(R"({"model_families":null})", "x").model_families, IsEmpty());
}

TEST(ModelTexts, AWrongMessageIsNamed) {
  EXPECT_EQ(message_of([] { parse_messages("{}", "x"); }), "x: not a list of messages");
  EXPECT_EQ(message_of([] { parse_messages(R"([{"content":"a"}])", "x"); }),
            "x: '[0]': 'role': missing");
}

TEST_F(CreateModel, AModelInSeveralPartsBecomesOneFile) {
  for (uint16_t part = 0; part < 2; ++part) {
    formats::GgufWriter out(folder_.path() / fmt::format("m-{:05}-of-00002.gguf", part + 1));
    if (part == 0) out.set("general.architecture", std::string("qwen3"));
    out.set("split.no", part);
    out.set("split.count", uint16_t{2});
    out.set("split.tensors.count", int32_t{2});
    out.declare(fmt::format("t{}", part), formats::TensorType::f32, {1});
    const float value = 1.5f + static_cast<float>(part);
    out.write(std::as_bytes(std::span(&value, 1)));
    out.finish();
  }
  const StoredModel model = create("whole", "FROM m-00001-of-00002.gguf");
  const auto whole =
      formats::Gguf::open(store_.blobs().path(model.manifest.find(LayerKind::model)->digest));
  EXPECT_EQ(whole.string("general.architecture"), "qwen3");
  EXPECT_FALSE(whole.find("split.count"));
  float value = 0;
  std::memcpy(&value, whole.tensor("t0").bytes.data(), sizeof value);
  EXPECT_EQ(value, 1.5f);
  std::memcpy(&value, whole.tensor("t1").bytes.data(), sizeof value);
  EXPECT_EQ(value, 2.5f);
  for (const std::string& left : files_below(store_.blobs().folder()))
    EXPECT_FALSE(left.starts_with("partial-")) << left;
  fs::remove(folder_.path() / "m-00002-of-00002.gguf");
  EXPECT_EQ(code_of([&] { create("half", "FROM m-00001-of-00002.gguf"); }), Errc::not_found);
}

}  // namespace
}  // namespace hearth::store
