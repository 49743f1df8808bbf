#include "hearth/store/hugging_face_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/formats/gguf.h"
#include "hearth/formats/quantize.h"
#include "hearth/store/full_disk_for_test.h"
#include "hearth/store/model_folder_for_test.h"

namespace hearth::store {
namespace {

using formats::Gguf;
using formats::TensorType;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

const auto ignore_progress = [](const RewriteProgress&) {};

/// dim 8, 2 heads of 4 (qwen3 and gemma: as their config says), 1 kv head, ffn 16, 2 layers, 8
/// tokens.
constexpr const char* kSizes =
    R"("hidden_size":8,"num_attention_heads":2,"num_key_value_heads":1,"intermediate_size":16,)"
    R"("num_hidden_layers":2,"rms_norm_eps":1e-5,"vocab_size":8,"max_position_embeddings":512)";

/// Adds every tensor of a model with those sizes; `layer` lists names and shapes.
void add_tensors(ModelFolder& folder,
                 const std::vector<std::pair<std::string, std::vector<uint64_t>>>& layer,
                 bool has_head) {
  folder.tensor("model.embed_tokens.weight", {8, 8});
  for (int n = 0; n < 2; ++n)
    for (const auto& [name, shape] : layer)
      folder.tensor(fmt::format("model.layers.{}.{}", n, name), shape);
  folder.tensor("model.norm.weight", {8});
  if (has_head) folder.tensor("lm_head.weight", {8, 8});
  folder.write_tensors();
}

const std::vector<std::pair<std::string, std::vector<uint64_t>>> kLlamaLayer = {
    {"input_layernorm.weight", {8}},     {"self_attn.q_proj.weight", {8, 8}},
    {"self_attn.k_proj.weight", {4, 8}}, {"self_attn.v_proj.weight", {4, 8}},
    {"self_attn.o_proj.weight", {8, 8}}, {"post_attention_layernorm.weight", {8}},
    {"mlp.gate_proj.weight", {16, 8}},   {"mlp.up_proj.weight", {16, 8}},
    {"mlp.down_proj.weight", {8, 16}}};

std::vector<std::pair<std::string, std::vector<uint64_t>>> with(
    std::vector<std::pair<std::string, std::vector<uint64_t>>> layer,
    const std::vector<std::pair<std::string, std::vector<uint64_t>>>& more) {
  layer.insert(layer.end(), more.begin(), more.end());
  return layer;
}

void make_llama(ModelFolder& folder, const std::string& more = "") {
  folder.write("config.json", fmt::format(R"({{"model_type":"llama",{}{}}})", kSizes, more));
  folder.write("tokenizer.json", kByteLevelTokenizer);
  add_tensors(folder, kLlamaLayer, /*has_head=*/true);
}

Gguf import(const ModelFolder& folder, TensorType type = TensorType::f32,
            ImportReport* report = nullptr) {
  const fs::path out = folder.path() / "out.gguf";
  const ImportReport result =
      import_hugging_face(folder.path(), out, {.matrix_type = type, .threads = 2}, ignore_progress);
  if (report) *report = result;
  return Gguf::open(out);
}

std::string import_error(const ModelFolder& folder, Errc code) {
  try {
    import(folder);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_FALSE(fs::exists(folder.path() / "out.gguf"));
    return error.what();
  }
  ADD_FAILURE() << "imported";
  return "";
}

std::vector<float> values_of(const Gguf& file, std::string_view name) {
  const formats::GgufTensor& tensor = file.tensor(name);
  std::vector<float> values(tensor.elems());
  formats::dequantize_row(tensor.type, tensor.bytes.data(), values);
  return values;
}

std::vector<std::string> names_of(const Gguf& file) {
  std::vector<std::string> names;
  for (const auto& tensor : file.tensors()) names.push_back(tensor.name);
  return names;
}

/// "blk.0.x" and "blk.1.x" for every x, and those outside the layers.
std::vector<std::string> expected_names(const std::vector<std::string>& layer,
                                        std::vector<std::string> outside) {
  for (int n = 0; n < 2; ++n)
    for (const std::string& name : layer) outside.push_back(fmt::format("blk.{}.{}", n, name));
  return outside;
}

const std::vector<std::string> kLlamaNames = {
    "attn_norm.weight", "attn_q.weight",   "attn_k.weight", "attn_v.weight",  "attn_output.weight",
    "ffn_norm.weight",  "ffn_gate.weight", "ffn_up.weight", "ffn_down.weight"};

std::vector<float> plus_one(std::vector<float> values) {
  for (float& value : values) value += 1;
  return values;
}

TEST(HuggingFaceImport, LlamaKeysAndTensors) {
  ModelFolder folder("llama");
  make_llama(folder, R"(,"rope_theta":500000.0)");
  ImportReport report;
  const Gguf file = import(folder, TensorType::f16, &report);
  EXPECT_EQ(report.architecture, "llama");
  EXPECT_EQ(report.name, folder.path().filename().string());
  EXPECT_EQ(report.tensors, 21u);
  // embedding, head, norm; per layer two norms, q, k, v, o, gate, up, down
  EXPECT_EQ(report.parameters, 64u + 64 + 8 + 2 * (16 + 64 + 32 + 32 + 64 + 3 * 128));
  EXPECT_EQ(report.written_bytes, file.size_bytes());
  EXPECT_THAT(report.notes, IsEmpty());
  EXPECT_EQ(file.string("general.architecture"), "llama");
  EXPECT_EQ(file.u64("general.file_type"), 1u);
  EXPECT_EQ(file.u64("llama.block_count"), 2u);
  EXPECT_EQ(file.u64("llama.context_length"), 512u);
  EXPECT_EQ(file.u64("llama.embedding_length"), 8u);
  EXPECT_EQ(file.u64("llama.feed_forward_length"), 16u);
  EXPECT_EQ(file.u64("llama.vocab_size"), 8u);
  EXPECT_EQ(file.u64("llama.attention.head_count"), 2u);
  EXPECT_EQ(file.u64("llama.attention.head_count_kv"), 1u);
  EXPECT_EQ(file.u64("llama.rope.dimension_count"), 4u);
  EXPECT_EQ(file.f64("llama.rope.freq_base"), 500000.0);
  EXPECT_FLOAT_EQ(static_cast<float>(file.f64("llama.attention.layer_norm_rms_epsilon")), 1e-5f);
  EXPECT_THAT(names_of(file),
              UnorderedElementsAreArray(expected_names(
                  kLlamaNames, {"token_embd.weight", "output_norm.weight", "output.weight"})));
  EXPECT_EQ(file.tensor("blk.0.ffn_down.weight").shape, (std::vector<uint64_t>{16, 8}));
  EXPECT_EQ(file.tensor("blk.0.ffn_down.weight").type, TensorType::f16);
  EXPECT_EQ(file.tensor("blk.0.attn_norm.weight").type, TensorType::f32);
  EXPECT_EQ(values_of(file, "blk.1.ffn_norm.weight"),
            folder.tensors["model.layers.1.post_attention_layernorm.weight"].values);
}

TEST(HuggingFaceImport, LlamaRowsOfQAndKArePermutedToAdjacentPairs) {
  ModelFolder folder("permute");
  make_llama(folder, R"(,"attention_bias":true)");
  auto& q = folder.tensors["model.layers.0.self_attn.q_proj.weight"];
  for (size_t row = 0; row < 8; ++row)
    for (size_t col = 0; col < 8; ++col) q.values[8 * row + col] = static_cast<float>(row);
  for (const char* name : {"q", "k", "v"})
    for (int n = 0; n < 2; ++n)
      folder.tensor(fmt::format("model.layers.{}.self_attn.{}_proj.bias", n, name),
                    {name[0] == 'q' ? 8u : 4u});
  folder.tensors["model.layers.0.self_attn.q_proj.bias"].values = {0, 1, 2, 3, 4, 5, 6, 7};
  folder.write_tensors();
  const Gguf file = import(folder);
  // Heads of 4: halves {0, 1} and {2, 3} interleave to 0, 2, 1, 3.
  const std::vector<float> expected{0, 2, 1, 3, 4, 6, 5, 7};
  const std::vector<float> permuted = values_of(file, "blk.0.attn_q.weight");
  for (size_t row = 0; row < 8; ++row) EXPECT_EQ(permuted[8 * row], expected[row]);
  EXPECT_EQ(values_of(file, "blk.0.attn_q.bias"), expected);
  EXPECT_EQ(values_of(file, "blk.0.attn_v.weight"),
            folder.tensors["model.layers.0.self_attn.v_proj.weight"].values);
}

TEST(HuggingFaceImport, MistralIsALlamaWhoseWindowIsNamed) {
  ModelFolder folder("mistral");
  make_llama(folder);
  folder.write("config.json",
               fmt::format(R"({{"model_type":"mistral",{},"sliding_window":64}})", kSizes));
  ImportReport report;
  const Gguf file = import(folder, TensorType::f32, &report);
  EXPECT_EQ(file.string("general.architecture"), "llama");
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("sliding window of 64")));
}

TEST(HuggingFaceImport, Qwen2HasBiasesAndKeepsItsRows) {
  ModelFolder folder("qwen2");
  folder.write("config.json",
               fmt::format(R"({{"model_type":"qwen2","tie_word_embeddings":true,{}}})", kSizes));
  folder.write("tokenizer.json", kByteLevelTokenizer);
  add_tensors(folder,
              with(kLlamaLayer, {{"self_attn.q_proj.bias", {8}},
                                 {"self_attn.k_proj.bias", {4}},
                                 {"self_attn.v_proj.bias", {4}}}),
              /*has_head=*/true);
  const Gguf file = import(folder);
  EXPECT_EQ(file.string("general.architecture"), "qwen2");
  std::vector<std::string> layer = kLlamaNames;
  layer.insert(layer.end(), {"attn_q.bias", "attn_k.bias", "attn_v.bias"});
  // Tied: the head in the file is a copy of the embedding and is left out.
  EXPECT_THAT(names_of(file), UnorderedElementsAreArray(expected_names(
                                  layer, {"token_embd.weight", "output_norm.weight"})));
  EXPECT_EQ(values_of(file, "blk.0.attn_q.weight"),
            folder.tensors["model.layers.0.self_attn.q_proj.weight"].values);
  EXPECT_EQ(values_of(file, "blk.1.attn_k.bias"),
            folder.tensors["model.layers.1.self_attn.k_proj.bias"].values);
}

TEST(HuggingFaceImport, Qwen3HasHeadNormsAndItsOwnHeadSize) {
  ModelFolder folder("qwen3");
  folder.write("config.json", fmt::format(R"({{"model_type":"qwen3","head_dim":6,{}}})", kSizes));
  folder.write("tokenizer.json", kByteLevelTokenizer);
  auto layer = kLlamaLayer;
  layer[1].second = {12, 8}, layer[2].second = layer[3].second = {6, 8}, layer[4].second = {8, 12};
  add_tensors(folder,
              with(layer, {{"self_attn.q_norm.weight", {6}}, {"self_attn.k_norm.weight", {6}}}),
              true);
  const Gguf file = import(folder);
  EXPECT_EQ(file.u64("qwen3.attention.key_length"), 6u);
  EXPECT_EQ(file.u64("qwen3.rope.dimension_count"), 6u);
  EXPECT_EQ(values_of(file, "blk.0.attn_k_norm.weight"),
            folder.tensors["model.layers.0.self_attn.k_norm.weight"].values);
}

const std::vector<std::pair<std::string, std::vector<uint64_t>>> kGemmaNorms = {
    {"pre_feedforward_layernorm.weight", {8}}, {"post_feedforward_layernorm.weight", {8}}};

TEST(HuggingFaceImport, Gemma2NormsGainOne) {
  ModelFolder folder("gemma2");
  folder.write("config.json",
               fmt::format(R"({{"model_type":"gemma2","head_dim":4,"query_pre_attn_scalar":4,)"
                           R"("sliding_window":128,"hidden_activation":"gelu_pytorch_tanh",{}}})",
                           kSizes));
  folder.write("tokenizer.json", kByteLevelTokenizer);
  add_tensors(folder, with(kLlamaLayer, kGemmaNorms), /*has_head=*/false);
  const Gguf file = import(folder);
  EXPECT_EQ(file.string("general.architecture"), "gemma2");
  EXPECT_EQ(file.f64("gemma2.attn_logit_softcapping"), 50.0);
  EXPECT_EQ(file.f64("gemma2.final_logit_softcapping"), 30.0);
  EXPECT_EQ(file.u64("gemma2.attention.sliding_window"), 128u);
  EXPECT_EQ(file.u64("gemma2.attention.value_length"), 4u);
  std::vector<std::string> layer = kLlamaNames;
  layer.insert(layer.end(), {"post_attention_norm.weight", "post_ffw_norm.weight"});
  EXPECT_THAT(names_of(file), UnorderedElementsAreArray(expected_names(
                                  layer, {"token_embd.weight", "output_norm.weight"})));
  const auto source = [&](const std::string& name) {
    return plus_one(folder.tensors["model." + name].values);
  };
  EXPECT_EQ(values_of(file, "output_norm.weight"), source("norm.weight"));
  EXPECT_EQ(values_of(file, "blk.0.attn_norm.weight"), source("layers.0.input_layernorm.weight"));
  EXPECT_EQ(values_of(file, "blk.0.post_attention_norm.weight"),
            source("layers.0.post_attention_layernorm.weight"));
  EXPECT_EQ(values_of(file, "blk.0.ffn_norm.weight"),
            source("layers.0.pre_feedforward_layernorm.weight"));
  EXPECT_EQ(values_of(file, "blk.0.post_ffw_norm.weight"),
            source("layers.0.post_feedforward_layernorm.weight"));
}

TEST(HuggingFaceImport, Gemma3InsideAModelThatSees) {
  ModelFolder folder("gemma3");
  folder.write("config.json",
               fmt::format(R"({{"model_type":"gemma3","eos_token_id":[6,5],)"
                           R"("text_config":{{"model_type":"gemma3_text",)"
                           R"("head_dim":4,"query_pre_attn_scalar":4,"sliding_window":32,)"
                           R"("rope_scaling":{{"factor":8.0,"rope_type":"linear"}},{}}}}})",
                           kSizes));
  folder.write("tokenizer.json", kByteLevelTokenizer);
  folder.tensor("vision_tower.patch.weight", {3});
  add_tensors(folder,
              with(with(kLlamaLayer, kGemmaNorms),
                   {{"self_attn.q_norm.weight", {4}}, {"self_attn.k_norm.weight", {4}}}),
              false);
  ImportReport report;
  const Gguf file = import(folder, TensorType::f32, &report);
  EXPECT_EQ(file.string("general.architecture"), "gemma3");
  EXPECT_EQ(file.f64("gemma3.rope.freq_base"), 1e6);
  EXPECT_EQ(file.f64("gemma3.rope.freq_base_swa"), 10000.0);
  EXPECT_EQ(file.string("gemma3.rope.scaling.type"), "linear");
  EXPECT_EQ(file.f64("gemma3.rope.scaling.factor"), 8.0);
  EXPECT_EQ(file.u64("gemma3.attention.sliding_window"), 32u);
  EXPECT_EQ(file.find("gemma3.attention.sliding_window_pattern"), nullptr);  // the family's own
  EXPECT_EQ(values_of(file, "blk.1.attn_q_norm.weight"),
            plus_one(folder.tensors["model.layers.1.self_attn.q_norm.weight"].values));
  EXPECT_EQ(file.u64("tokenizer.ggml.eos_token_id"), 6u);
  EXPECT_EQ(file.u64("tokenizer.ggml.eot_token_id"), 5u);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("1 tensors that a text model does not use")));
}

TEST(HuggingFaceImport, OtherLocalLayersAreWrittenAsAList) {
  ModelFolder folder("pattern");
  folder.write(
      "config.json",
      fmt::format(
          R"({{"model_type":"gemma3_text","head_dim":4,"query_pre_attn_scalar":4,)"
          R"("layer_types":["full_attention","sliding_attention"],)"
          R"("rope_parameters":{{"full_attention":{{"rope_type":"default","rope_theta":5e5}},)"
          R"("sliding_attention":{{"rope_type":"default","rope_theta":2e4}}}},{}}})",
          kSizes));
  folder.write("tokenizer.json", kByteLevelTokenizer);
  add_tensors(folder,
              with(with(kLlamaLayer, kGemmaNorms),
                   {{"self_attn.q_norm.weight", {4}}, {"self_attn.k_norm.weight", {4}}}),
              false);
  const Gguf file = import(folder);
  EXPECT_EQ(file.try_ints("gemma3.attention.sliding_window_pattern"), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(file.f64("gemma3.rope.freq_base"), 5e5);
  EXPECT_EQ(file.f64("gemma3.rope.freq_base_swa"), 2e4);
}

TEST(HuggingFaceImport, Phi3KeepsItsFusedMatricesAndBothFactorSets) {
  ModelFolder folder("phi3");
  folder.write(
      "config.json",
      fmt::format(R"({{"model_type":"phi3","original_max_position_embeddings":128,"rope_scaling":)"
                  R"({{"type":"longrope","short_factor":[1.0,1.5],"long_factor":[2.0,4.0]}},{}}})",
                  kSizes));
  folder.write("tokenizer.json", kByteLevelTokenizer);
  add_tensors(folder,
              {{"input_layernorm.weight", {8}},
               {"self_attn.qkv_proj.weight", {16, 8}},
               {"self_attn.o_proj.weight", {8, 8}},
               {"post_attention_layernorm.weight", {8}},
               {"mlp.gate_up_proj.weight", {32, 8}},
               {"mlp.down_proj.weight", {8, 16}}},
              true);
  const Gguf file = import(folder);
  EXPECT_EQ(file.string("general.architecture"), "phi3");
  EXPECT_EQ(values_of(file, "blk.0.ffn_up.weight"),
            folder.tensors["model.layers.0.mlp.gate_up_proj.weight"].values);
  EXPECT_EQ(file.tensor("blk.0.attn_qkv.weight").shape, (std::vector<uint64_t>{8, 16}));
  EXPECT_EQ(values_of(file, "rope_factors_short.weight"), (std::vector<float>{1.0f, 1.5f}));
  EXPECT_EQ(values_of(file, "rope_factors_long.weight"), (std::vector<float>{2.0f, 4.0f}));
  EXPECT_EQ(file.u64("phi3.rope.scaling.original_context_length"), 128u);
  // sqrt(1 + ln(512 / 128) / ln(128)) = sqrt(1 + 2/7)
  EXPECT_NEAR(file.f64("phi3.rope.scaling.attn_factor"), 1.1338934190276817, 1e-6);
}

TEST(HuggingFaceImport, Llama3FactorsKeepShortWavesAndStretchLongOnes) {
  ModelFolder folder("llama3");
  // Heads of 4, theta 1e4: wavelengths 2 pi = 6.28 and 628.3. A context of 64 holds 10.2 and 0.10
  // turns.
  make_llama(
      folder,
      R"(,"rope_theta":10000.0,"rope_scaling":{"rope_type":"llama3","factor":8.0,)"
      R"("low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":64})");
  EXPECT_EQ(values_of(import(folder), "rope_freqs.weight"), (std::vector<float>{1, 8}));
  // 1571 holds 2.5003 turns of the second: halfway between 1 and 4, so 1 / (0.5 / 8 + 0.5)
  // = 1.7778.
  make_llama(
      folder,
      R"(,"rope_theta":10000.0,"rope_scaling":{"rope_type":"llama3","factor":8.0,)"
      R"("low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":1571})");
  EXPECT_NEAR(values_of(import(folder), "rope_freqs.weight")[1], 16.0 / 9, 1e-3);
}

TEST(HuggingFaceImport, YarnKeysAreCarried) {
  ModelFolder folder("yarn");
  make_llama(
      folder,
      R"(,"rope_scaling":{"type":"yarn","factor":4.0,"original_max_position_embeddings":128,)"
      R"("beta_fast":16,"attention_factor":1.0})");
  const Gguf file = import(folder);
  EXPECT_EQ(file.string("llama.rope.scaling.type"), "yarn");
  EXPECT_EQ(file.f64("llama.rope.scaling.factor"), 4.0);
  EXPECT_EQ(file.u64("llama.rope.scaling.original_context_length"), 128u);
  EXPECT_EQ(file.f64("llama.rope.scaling.yarn_beta_fast"), 16.0);
  // Engines multiply by 0.1 ln 4 + 1 = 1.13863: the key holds what takes that back.
  EXPECT_NEAR(file.f64("llama.rope.scaling.attn_factor"), 1 / 1.1386294361119891, 1e-6);
  // A factor below 1 stretches nothing, and engines multiply by 1.
  make_llama(folder, R"(,"rope_scaling":{"type":"yarn","factor":0.5,"attention_factor":1.5})");
  EXPECT_EQ(import(folder).f64("llama.rope.scaling.attn_factor"), 1.5);
}

TEST(HuggingFaceImport, RopeParametersOfTransformers5) {
  ModelFolder folder("rope5");
  make_llama(folder, R"(,"rope_parameters":{"rope_type":"linear","factor":2.0,"rope_theta":5e5})");
  const Gguf file = import(folder);
  EXPECT_EQ(file.f64("llama.rope.freq_base"), 5e5);
  EXPECT_EQ(file.f64("llama.rope.scaling.factor"), 2.0);
}

TEST(HuggingFaceImport, MatricesGetTheTypeAskedForOrOneThatFits) {
  ModelFolder folder("types");
  make_llama(folder);
  ImportReport report;
  const Gguf file = import(folder, TensorType::q8_0, &report);
  // Rows of 8 and 16 do not divide into blocks of 32.
  EXPECT_EQ(file.tensor("token_embd.weight").type, TensorType::f16);
  EXPECT_EQ(report.notes.size(), 16u);
  EXPECT_THAT(report.notes[0], HasSubstr("rows of 8 do not divide into Q8_0 blocks"));
}

size_t count_files(const fs::path& folder) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(HuggingFaceImport, ProgressCoversEveryTensor) {
  ModelFolder folder("progress");
  make_llama(folder);
  const fs::path out = folder.path() / "out.gguf";
  size_t calls = 0;
  uint64_t done_bytes = 0, total_bytes = 0;
  import_hugging_face(folder.path(), out, {}, [&](const RewriteProgress& progress) {
    EXPECT_EQ(progress.tensors_done, ++calls);
    EXPECT_EQ(progress.tensors_total, 21u);
    done_bytes = progress.done_bytes, total_bytes = progress.total_bytes;
  });
  EXPECT_EQ(calls, 21u);
  EXPECT_EQ(done_bytes, total_bytes);
}

TEST(HuggingFaceImport, WhatIsCancelledOrFindsTheDiskFullLeavesTheOldFileAlone) {
  ModelFolder folder("cancel");
  make_llama(folder);
  const fs::path out = folder.path() / "out.gguf";
  folder.write("out.gguf", "old");
  const size_t files = count_files(folder.path());
  struct Cancelled {};
  for (const size_t after : {1, 20, 21}) {  // 21: when all is written but nothing in place
    const auto cancel = [&](const RewriteProgress& progress) {
      if (progress.tensors_done == after) throw Cancelled{};
    };
    EXPECT_THROW(import_hugging_face(folder.path(), out, {}, cancel), Cancelled);
    EXPECT_EQ(read_file(out), "old") << after;
    EXPECT_EQ(count_files(folder.path()), files) << after;
  }
  {
    const FullDisk full(2048);  // after the header, within the tensors
    EXPECT_THROW(import_hugging_face(folder.path(), out, {}, ignore_progress), Error);
  }
  EXPECT_EQ(read_file(out), "old");
  EXPECT_EQ(count_files(folder.path()), files);
}

TEST(HuggingFaceImport, TheInputIsNotOverwritten) {
  ModelFolder folder("over");
  make_llama(folder);
  for (const char* name : {"model.safetensors", "config.json", "./tokenizer.json"}) try {
      import_hugging_face(folder.path(), folder.path() / name, {}, ignore_progress);
      ADD_FAILURE() << name << " was replaced";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument);
      EXPECT_THAT(error.what(), HasSubstr("would replace a file of the input"));
    }
  import(folder);
  import(folder);  // over the first result
}

TEST(HuggingFaceImport, ConfigurationsThatCannotBeImportedSayWhy) {
  ModelFolder folder("config");
  make_llama(folder);
  const auto error_of = [&](const std::string& config, Errc code) {
    folder.write("config.json", config);
    return import_error(folder, code);
  };
  const auto llama = [](const std::string& more) {
    return fmt::format(R"({{"model_type":"llama",{},{}}})", kSizes, more);
  };
  EXPECT_THAT(error_of("{", Errc::corrupt_data), HasSubstr("config.json"));
  EXPECT_THAT(error_of("[]", Errc::corrupt_data), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of("{}", Errc::corrupt_data), HasSubstr("'model_type': missing"));
  EXPECT_THAT(error_of(R"({"model_type":"mamba"})", Errc::unsupported),
              HasSubstr("model_type 'mamba' is none of llama, mistral, qwen2, qwen3, gemma2, "
                        "gemma3_text, phi3, bert"));
  EXPECT_THAT(error_of(R"({"model_type":"llama"})", Errc::corrupt_data),
              HasSubstr("'num_hidden_layers': missing"));
  EXPECT_THAT(error_of(R"({"model_type":"llama","num_hidden_layers":100000})", Errc::corrupt_data),
              HasSubstr("'num_hidden_layers' is 100000, 1 to 4096"));
  EXPECT_THAT(error_of(R"({"model_type":"llama","num_hidden_layers":1.5})", Errc::corrupt_data),
              HasSubstr("not an integer"));
  EXPECT_THAT(error_of(llama(R"("quantization_config":{})"), Errc::unsupported),
              HasSubstr("quantised checkpoints"));
  EXPECT_THAT(error_of(llama(R"("hidden_act":"relu")"), Errc::unsupported),
              HasSubstr("'hidden_act' is 'relu'"));
  EXPECT_THAT(
      error_of(llama(R"("rope_scaling":{"type":"dynamic","factor":2.0})"), Errc::unsupported),
      HasSubstr("rope type 'dynamic'"));
  EXPECT_THAT(error_of(llama(R"("rope_scaling":{"type":"linear","factor":0})"), Errc::corrupt_data),
              HasSubstr("'factor' is 0"));
  EXPECT_THAT(error_of(llama(R"("rope_scaling":{"type":"yarn","factor":2.0,)"
                             R"("original_max_position_embeddings":4294967296})"),
                       Errc::corrupt_data),
              HasSubstr("'original_max_position_embeddings' is 4294967296, 1 to 2147483648"));
  EXPECT_THAT(error_of(llama(R"("rms_norm_eps":1e300)"), Errc::corrupt_data),
              HasSubstr("'attention.layer_norm_rms_epsilon' would be 1e+300"));
  EXPECT_THAT(
      error_of(llama(R"("rope_scaling":{"type":"longrope","factor":2.0})"), Errc::unsupported),
      HasSubstr("longrope is known for phi3 only"));
  EXPECT_THAT(error_of(llama(R"("partial_rotary_factor":0.1)"), Errc::corrupt_data),
              HasSubstr("an even number is needed"));
  for (const char* part :
       {R"("partial_rotary_factor":0.5)", R"("rope_parameters":{"partial_rotary_factor":0.5})"})
    EXPECT_THAT(error_of(llama(part), Errc::unsupported),
                HasSubstr("2 of 4 elements of a head rotate, only phi3 rotates parts"));
  EXPECT_THAT(error_of(fmt::format(R"({{"model_type":"gemma2","head_dim":4,{}}})", kSizes),
                       Errc::unsupported),
              HasSubstr("'query_pre_attn_scalar' is 256"));
}

TEST(HuggingFaceImport, CheckpointsThatDoNotFitTheConfigurationSayWhere) {
  ModelFolder folder("checkpoint");
  make_llama(folder);
  folder.tensors["model.layers.1.mlp.up_proj.weight"].shape = {8, 16};
  folder.write_tensors();
  EXPECT_THAT(import_error(folder, Errc::corrupt_data),
              HasSubstr("tensor 'model.layers.1.mlp.up_proj.weight' has shape [8, 16], config.json "
                        "implies [16, 8]"));
  folder.tensors.erase("model.layers.1.mlp.up_proj.weight");
  folder.write_tensors();
  EXPECT_THAT(import_error(folder, Errc::not_found),
              HasSubstr("'model.layers.1.mlp.up_proj.weight' is missing"));
  make_llama(folder);
  folder.tensor("model.layers.2.mlp.up_proj.weight", {16, 8});
  folder.write_tensors();
  EXPECT_THAT(import_error(folder, Errc::unsupported),
              HasSubstr("has no place in a llama model of 2 layers"));
  folder.tensors.erase("model.layers.2.mlp.up_proj.weight");
  folder.tensors.erase("lm_head.weight");
  folder.write_tensors();
  EXPECT_THAT(import_error(folder, Errc::not_found), HasSubstr("lm_head.weight"));
}

TEST(HuggingFaceImport, WeightsThatAreNotFiniteAreNamed) {
  ModelFolder folder("nan");
  make_llama(folder);
  folder.tensors["model.layers.0.mlp.down_proj.weight"].values[35] = NAN;
  folder.write_tensors();
  EXPECT_THAT(import_error(folder, Errc::invalid_argument),
              HasSubstr("tensor 'blk.0.ffn_down.weight', row 2: element 3"));
}

}  // namespace
}  // namespace hearth::store
