#include "hearth/serve/pool/stored_models.h"

#include <gtest/gtest.h>

#include "hearth/store/create_model.h"
#include "hearth/store/store_folder_for_test.h"

namespace hearth::serve {
namespace {

using store::message_of;

class StoredModelsTest : public testing::Test {
 protected:
  void create(const std::string& name, const std::string& modelfile) {
    folder_.write_gguf("m.gguf", "llama");
    store::create_model(folder_.open(), store::parse_model_name(name),
                        store::parse_modelfile(modelfile, "Modelfile"), {.folder = folder_.path()},
                        [](const store::CreateProgress&) {});
  }

  store::StoreFolder folder_{"stored-models"};
};

TEST_F(StoredModelsTest, FindsWhateverTheCaseAndWithoutTheTag) {
  create("Qwen3", "FROM ./m.gguf\nSYSTEM Be brief.\nPARAMETER num_ctx 4096\nPARAMETER top_k 3\n");
  StoredModels models(folder_.open());
  const auto found = models.find("qwen3");
  EXPECT_EQ(found->spec.model, "Qwen3:latest");
  EXPECT_EQ(found->spec.texts.system, "Be brief.");
  EXPECT_EQ(store::print_parameters(found->spec.load_options), R"({"num_ctx":4096})");
  EXPECT_TRUE(fs::exists(found->spec.model_file));
  EXPECT_EQ(found->sizes.file_bytes, fs::file_size(found->spec.model_file));
  EXPECT_EQ(models.find("QWEN3:Latest"), found);  // read once
  EXPECT_EQ(models.find(found->spec.digest.hex().substr(0, 12)), found);
}

TEST_F(StoredModelsTest, SeesAModelThatWasMadeAnew) {
  create("a", "FROM ./m.gguf\n");
  StoredModels models(folder_.open());
  const auto before = models.find("a");
  create("a", "FROM ./m.gguf\nSYSTEM new\n");
  const auto after = models.find("a");
  EXPECT_NE(after->spec.digest, before->spec.digest);
  EXPECT_EQ(after->spec.texts.system, "new");
}

TEST_F(StoredModelsTest, ACopyIsListedByItsOwnName) {
  create("a", "FROM ./m.gguf\n");
  folder_.open().copy(store::parse_model_name("a"), store::parse_model_name("b"));
  StoredModels models(folder_.open());
  EXPECT_EQ(models.find("a")->spec.model, "a:latest");
  EXPECT_EQ(models.find("b")->spec.model, "b:latest");
  EXPECT_EQ(models.find("a")->spec.key(), models.find("b")->spec.key());
}

TEST_F(StoredModelsTest, SaysWhatIsNotThereInOllamasWords) {
  StoredModels models(folder_.open());
  EXPECT_EQ(message_of([&] { models.find("Missing:1b"); }),
            "model \"Missing:1b\" not found, try pulling it first");
  EXPECT_EQ(message_of([&] { models.find(""); }), "model is required");
}

TEST_F(StoredModelsTest, NamesWhatAModelLacks) {
  store::add_model(folder_.open(), "texts", {"MIT"});
  StoredModels models(folder_.open());
  EXPECT_EQ(message_of([&] { models.find("texts"); }), "model \"texts:latest\" has no GGUF file");
  create("a", "FROM ./m.gguf\n");
  fs::resize_file(models.find("a")->spec.model_file, 10);
  const std::string message = message_of([&] { StoredModels(folder_.open()).find("a"); });
  EXPECT_TRUE(message.ends_with(" is not whole")) << message;
}

TEST(EngineSpec, TheRequestsLoadOptionsWinOverTheModels) {
  const store::ModelParameters model = {{"num_ctx", int64_t{4096}}, {"num_thread", int64_t{2}}};
  const store::ModelParameters request = {{"num_ctx", int64_t{1024}}, {"top_k", int64_t{3}}};
  EXPECT_EQ(store::print_parameters(merge_load_options(request, model)),
            R"({"num_ctx":1024,"num_thread":2})");
}

}  // namespace
}  // namespace hearth::serve
