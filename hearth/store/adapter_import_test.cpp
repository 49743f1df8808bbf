#include "hearth/store/adapter_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "hearth/formats/quantize.h"
#include "hearth/store/model_folder_for_test.h"
#include "hearth/store/store_folder_for_test.h"

namespace hearth::store {
namespace {

using formats::Gguf;
using formats::TensorType;
using testing::ElementsAre;
using testing::HasSubstr;

using Base = std::vector<std::pair<std::string, std::vector<uint64_t>>>;

// dim 8, 2 heads of 4, 1 kv head, ffn 16, 10 tokens.
const Base kLlama = {{"token_embd.weight", {8, 10}},
                     {"blk.0.attn_q.weight", {8, 8}},
                     {"blk.0.attn_k.weight", {8, 4}},
                     {"blk.0.attn_v.weight", {8, 4}},
                     {"blk.0.ffn_down.weight", {16, 8}}};
const Base kPhi3 = {{"token_embd.weight", {8, 10}}, {"blk.0.attn_qkv.weight", {8, 16}}};

/// An adapter's folder, and a base that has nothing but shapes.
class AdapterImport : public testing::Test {
 protected:
  AdapterImport() : folder_("adapter") {}

  Gguf base(const std::string& architecture = "llama", const Base& tensors = kLlama) const {
    formats::GgufWriter out(folder_.path() / "base.gguf");
    out.set("general.architecture", architecture);
    out.set(architecture + ".attention.head_count", uint32_t{2});
    out.set(architecture + ".attention.head_count_kv", uint32_t{1});
    for (const auto& [name, shape] : tensors) out.declare(name, TensorType::f32, shape);
    for (const auto& [name, shape] : tensors)
      out.write(std::vector<std::byte>(4 * shape[0] * shape[1]));
    out.finish();
    return Gguf::open(folder_.path() / "base.gguf");
  }

  void config(const std::string& more = "", int rank = 2) const {
    folder_.write("adapter_config.json",
                  fmt::format(R"({{"peft_type":"LORA","r":{},"lora_alpha":6,"bias":"none",)"
                              R"("modules_to_save":null,"use_dora":false{}}})",
                              rank, more));
  }
  /// Both halves of a matrix [out, in].
  void pair(const std::string& module, uint64_t out, uint64_t in, uint64_t rank = 2) {
    folder_.tensor("base_model.model." + module + ".lora_A.weight", {rank, in});
    folder_.tensor("base_model.model." + module + ".lora_B.weight", {out, rank});
  }
  std::vector<float>& values(const std::string& name) {
    return folder_.tensors.at("base_model.model." + name).values;
  }

  Gguf import(const Gguf& base) {
    folder_.write_tensors();
    fs::rename(folder_.path() / "model.safetensors", folder_.path() / "adapter_model.safetensors");
    report_ = import_adapter(folder_.path(), base, folder_.path() / "out.gguf");
    return Gguf::open(folder_.path() / "out.gguf");
  }

  void expect_error(Errc code, const std::string& words) {
    SCOPED_TRACE(words);
    const Gguf model = base();
    fs::remove(folder_.path() / "out.gguf");
    EXPECT_EQ(code_of([&] { import(model); }), code);
    EXPECT_THAT(message_of([&] { import(model); }), HasSubstr(words));
    EXPECT_FALSE(fs::exists(folder_.path() / "out.gguf"));
  }

  static std::vector<float> floats(const Gguf& file, const std::string& name) {
    const formats::GgufTensor& tensor = file.tensor(name);
    EXPECT_EQ(tensor.type, TensorType::f32);
    std::vector<float> out(tensor.elems());
    std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
    return out;
  }

  ModelFolder folder_;
  AdapterImportReport report_;
};

constexpr const char* kDown = "model.layers.0.mlp.down_proj";

TEST_F(AdapterImport, KeysAndHalvesAreThoseOfLlamaCpp) {
  config();
  pair(kDown, 8, 16);
  const Gguf file = import(base());
  EXPECT_EQ(file.string("general.type"), "adapter");
  EXPECT_EQ(file.string("general.architecture"), "llama");
  EXPECT_EQ(file.string("adapter.type"), "lora");
  EXPECT_EQ(file.f64("adapter.lora.alpha"), 6);
  EXPECT_EQ(report_.matrices, 1u);
  EXPECT_EQ(report_.written_bytes, file.size_bytes());
  EXPECT_THAT(file.tensor("blk.0.ffn_down.weight.lora_a").shape, ElementsAre(16, 2));
  EXPECT_THAT(file.tensor("blk.0.ffn_down.weight.lora_b").shape, ElementsAre(2, 8));
  EXPECT_EQ(floats(file, "blk.0.ffn_down.weight.lora_a"),
            values(fmt::format("{}.lora_A.weight", kDown)));
  EXPECT_EQ(floats(file, "blk.0.ffn_down.weight.lora_b"),
            values(fmt::format("{}.lora_B.weight", kDown)));
}

// Within a head of 4, rows 0 1 2 3 of Hugging Face stand in GGUF as 0 2 1 3.
TEST_F(AdapterImport, RowsOfQAndKArePermutedWithLlamasMatrices) {
  const std::vector<std::pair<std::string, std::vector<float>>> expected = {
      {"q", {0, 2, 1, 3, 4, 6, 5, 7}}, {"k", {0, 2, 1, 3}}, {"v", {0, 1, 2, 3}}};
  config("", 1);
  for (const auto& [matrix, rows] : expected) {
    const std::string module = fmt::format("model.layers.0.self_attn.{}_proj", matrix);
    pair(module, rows.size(), 8, 1);
    for (size_t i = 0; i < rows.size(); ++i)
      values(module + ".lora_B.weight")[i] = static_cast<float>(i);
  }
  const Gguf file = import(base());
  for (const auto& [matrix, rows] : expected)
    EXPECT_EQ(floats(file, fmt::format("blk.0.attn_{}.weight.lora_b", matrix)), rows) << matrix;
  const Gguf other = import(base("qwen2"));
  EXPECT_THAT(floats(other, "blk.0.attn_k.weight.lora_b"), ElementsAre(0, 1, 2, 3));
}

TEST_F(AdapterImport, FusedMatricesKeepTheirRows) {
  config();
  pair("model.layers.0.self_attn.qkv_proj", 16, 8);
  const Gguf file = import(base("phi3", kPhi3));
  EXPECT_EQ(floats(file, "blk.0.attn_qkv.weight.lora_b"),
            values("model.layers.0.self_attn.qkv_proj.lora_B.weight"));
}

TEST_F(AdapterImport, AnEmbeddingIsLookedUpByRows) {
  config();
  folder_.tensor("base_model.model.model.embed_tokens.lora_embedding_A", {2, 10});
  folder_.tensor("base_model.model.model.embed_tokens.lora_embedding_B", {8, 2});
  const Gguf file = import(base());
  EXPECT_THAT(file.tensor("token_embd.weight.lora_a").shape, ElementsAre(2, 10));
  EXPECT_THAT(file.tensor("token_embd.weight.lora_b").shape, ElementsAre(2, 8));
  const std::vector<float> a = floats(file, "token_embd.weight.lora_a");
  const std::vector<float>& source = values("model.embed_tokens.lora_embedding_A");
  for (int id = 0; id < 10; ++id)
    for (int k = 0; k < 2; ++k) EXPECT_EQ(a[id * 2 + k], source[k * 10 + id]);
}

TEST_F(AdapterImport, ATiedOutputHasTheShapeOfTheEmbedding) {
  config();
  pair("lm_head", 10, 8);
  EXPECT_THAT(import(base()).tensor("output.weight.lora_b").shape, ElementsAre(2, 10));
}

// lora_alpha / sqrt(r) instead of lora_alpha / r: what is missing stands in B.
TEST_F(AdapterImport, RankStabilisedAdaptersCountTheSquareRoot) {
  config(R"(,"use_rslora":true)", 4);
  pair(kDown, 8, 16, 4);
  const Gguf file = import(base());
  EXPECT_EQ(file.f64("adapter.lora.alpha"), 6);
  std::vector<float> doubled = values(fmt::format("{}.lora_B.weight", kDown));
  for (float& value : doubled) value *= 2;
  EXPECT_EQ(floats(file, "blk.0.ffn_down.weight.lora_b"), doubled);
}

TEST_F(AdapterImport, RanksMayDifferWhereTheConfigSaysSo) {
  config(R"(,"rank_pattern":{"down_proj":3})");
  pair(kDown, 8, 16, 3);
  EXPECT_THAT(import(base()).tensor("blk.0.ffn_down.weight.lora_a").shape, ElementsAre(16, 3));
  config();
  expect_error(Errc::corrupt_data, "has shape [3, 16]");
}

TEST_F(AdapterImport, OtherMethodsAreRefusedByTheirField) {
  pair(kDown, 8, 16);
  const std::pair<const char*, const char*> kFields[] = {
      {R"(,"use_dora":true)", "'use_dora' is set"},
      {R"(,"lora_bias":true)", "'lora_bias' is set"},
      {R"(,"modules_to_save":["lm_head"])", "'modules_to_save' is set"},
      {R"(,"alpha_pattern":{"q":1})", "'alpha_pattern' is set"},
      {R"(,"fan_in_fan_out":true)", "'fan_in_fan_out' is set"},
      {R"(,"bias":"all")", "bias 'all' was trained"},
      {R"(,"init_lora_weights":"pissa_niter_4")", "'pissa_niter_4' changes the base"},
      {R"(,"peft_type":"LOHA")", "peft_type 'LOHA' is not LORA"}};
  for (const auto& [field, words] : kFields) {
    config(field);  // of two fields of one name, JSON readers take the later
    expect_error(Errc::unsupported, words);
  }
  config(R"(,"lora_alpha":0)");
  expect_error(Errc::corrupt_data, "lora_alpha is 0");
  config("", 0);
  expect_error(Errc::corrupt_data, "r is 0");
}

TEST_F(AdapterImport, TensorsWithoutAPlaceAreRefusedByName) {
  config();
  pair(kDown, 8, 16);
  for (const char* name : {"base_model.model.model.layers.0.mlp.down_proj.lora_magnitude_vector",
                           "base_model.model.lm_head.weight", "down_proj.lora_A.weight",
                           "base_model.model.model.layers.0.input_layernorm.lora_A.weight"}) {
    folder_.tensor(name, {8});
    expect_error(Errc::unsupported, fmt::format("'{}' is no half", name));
    folder_.tensors.erase(name);
  }
  pair("model.layers.7.mlp.down_proj", 8, 16);
  expect_error(Errc::unsupported, "changes 'blk.7.ffn_down.weight'");
}

TEST_F(AdapterImport, BrokenHalvesAreErrors) {
  config();
  expect_error(Errc::corrupt_data, "changes no matrix");
  folder_.tensor(fmt::format("base_model.model.{}.lora_A.weight", kDown), {2, 16});
  expect_error(Errc::corrupt_data, "no other half");
  pair(kDown, 9, 16);
  expect_error(Errc::corrupt_data, "lora_B.weight' has shape [9, 2]");
  pair(kDown, 8, 16);
  values(fmt::format("{}.lora_B.weight", kDown))[3] = std::numeric_limits<float>::infinity();
  expect_error(Errc::invalid_argument, "lora_B.weight");
}

TEST_F(AdapterImport, MissingFilesAreNamed) {
  const Gguf model = base();
  const auto call = [&] { import_adapter(folder_.path(), model, folder_.path() / "out.gguf"); };
  EXPECT_EQ(code_of(call), Errc::not_found);
  EXPECT_THAT(message_of(call), HasSubstr("adapter_config.json"));
  config();
  EXPECT_THAT(message_of(call), HasSubstr("adapter_model.safetensors"));
  EXPECT_EQ(code_of(call), Errc::not_found);
}

TEST_F(AdapterImport, UnknownArchitecturesAreRefused) {
  config();
  pair(kDown, 8, 16);
  const Gguf model = base("mamba");
  EXPECT_THAT(message_of([&] { import(model); }), HasSubstr("'mamba' cannot be converted"));
}

}  // namespace
}  // namespace hearth::store
