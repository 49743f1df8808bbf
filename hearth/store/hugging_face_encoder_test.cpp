// Encoders of Hugging Face folders: tensors, pooling and WordPiece as GGUF has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/formats/gguf.h"
#include "hearth/formats/quantize.h"
#include "hearth/store/hugging_face_import.h"
#include "hearth/store/model_folder_for_test.h"

namespace hearth::store {
namespace {

using formats::Gguf;
using formats::TensorType;
using testing::ElementsAre;
using testing::HasSubstr;

/// dim 4, 2 heads, ffn 8, one layer, 12 positions, 9 tokens.
constexpr const char* kConfig =
    R"({"model_type":"bert","architectures":["%"],"hidden_size":4,"num_attention_heads":2,)"
    R"("intermediate_size":8,"num_hidden_layers":1,"max_position_embeddings":12,)"
    R"("type_vocab_size":2,"layer_norm_eps":1e-12,"hidden_act":"gelu","pad_token_id":0})";

constexpr const char* kTokenizer = R"({
  "added_tokens": [{"id": 0, "content": "[PAD]", "special": true},
                   {"id": 1, "content": "[UNK]", "special": true},
                   {"id": 2, "content": "[CLS]", "special": true},
                   {"id": 3, "content": "[SEP]", "special": true}],
  "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                 "strip_accents": null, "lowercase": true},
  "pre_tokenizer": {"type": "BertPreTokenizer"},
  "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "cat": 4, "##s": 5,
                      "##": 6, "[": 7}}
})";

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

void make_bert(ModelFolder& folder, const std::string& cls = "BertModel") {
  const std::string prefix = cls == "BertModel" ? "" : "bert.";
  folder.write("config.json", replaced(kConfig, "%", cls));
  folder.write("tokenizer.json", kTokenizer);
  const auto both = [&](const std::string& name, uint64_t rows, uint64_t cols) {
    folder.tensor(prefix + name + ".weight", {rows, cols});
    folder.tensor(prefix + name + ".bias", {rows});
  };
  const auto norm = [&](const std::string& name) {
    folder.tensor(prefix + name + ".LayerNorm.weight", {4});
    folder.tensor(prefix + name + ".LayerNorm.bias", {4});
  };
  folder.tensor(prefix + "embeddings.word_embeddings.weight", {9, 4});
  folder.tensor(prefix + "embeddings.position_embeddings.weight", {12, 4});
  folder.tensor(prefix + "embeddings.token_type_embeddings.weight", {2, 4});
  folder.tensor(prefix + "embeddings.position_ids", {1, 12});
  norm("embeddings");
  for (const char* part : {"attention.self.query", "attention.self.key", "attention.self.value",
                           "attention.output.dense"})
    both(fmt::format("encoder.layer.0.{}", part), 4, 4);
  norm("encoder.layer.0.attention.output");
  both("encoder.layer.0.intermediate.dense", 8, 4);
  both("encoder.layer.0.output.dense", 4, 8);
  norm("encoder.layer.0.output");
  both("pooler.dense", 4, 4);
  if (!prefix.empty()) {
    folder.tensor("classifier.weight", {1, 4});
    folder.tensor("classifier.bias", {1});
  }
  folder.write_tensors();
}

void add_pooling(ModelFolder& folder, const std::string& pooling, const std::string& more = "") {
  folder.write("modules.json",
               R"([{"path":"","type":"sentence_transformers.models.Transformer"},)"
               R"({"path":"1_Pooling","type":"sentence_transformers.models.Pooling"},)"
               R"({"path":"2_Normalize","type":"sentence_transformers.models.Normalize"})" +
                   more + "]");
  fs::create_directories(folder.path() / "1_Pooling");
  folder.write("1_Pooling/config.json", pooling);
}

Gguf import(const ModelFolder& folder, TensorType type = TensorType::f32) {
  const fs::path out = folder.path() / "out.gguf";
  import_hugging_face(folder.path(), out, {.matrix_type = type}, [](const RewriteProgress&) {});
  return Gguf::open(out);
}

std::string import_error(const ModelFolder& folder, Errc code) {
  try {
    import(folder);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return "accepted";
}

void expect_same(const Gguf& file, const std::string& name, const TestTensor& source) {
  const formats::GgufTensor& tensor = file.tensor(name);
  EXPECT_EQ(tensor.cols(), source.shape.back());
  std::vector<float> values(source.values.size());
  ASSERT_EQ(tensor.bytes.size(), values.size() * sizeof(float)) << name;
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  EXPECT_EQ(values, source.values) << name;
}

TEST(HuggingFaceEncoder, TensorsAndKeysGetTheNamesThatEnginesRead) {
  ModelFolder folder("bert");
  make_bert(folder);
  const Gguf file = import(folder);
  EXPECT_EQ(file.string("general.architecture"), "bert");
  EXPECT_EQ(file.u64("bert.context_length"), 12u);
  EXPECT_EQ(file.u64("bert.embedding_length"), 4u);
  EXPECT_EQ(file.u64("bert.feed_forward_length"), 8u);
  EXPECT_EQ(file.u64("bert.block_count"), 1u);
  EXPECT_EQ(file.u64("bert.attention.head_count"), 2u);
  EXPECT_FLOAT_EQ(static_cast<float>(file.f64("bert.attention.layer_norm_epsilon")), 1e-12f);
  EXPECT_EQ(file.try_bool("bert.attention.causal"), false);
  EXPECT_FALSE(file.find("bert.pooling_type"));
  const std::pair<const char*, const char*> names[] = {
      {"token_embd.weight", "embeddings.word_embeddings.weight"},
      {"position_embd.weight", "embeddings.position_embeddings.weight"},
      {"token_types.weight", "embeddings.token_type_embeddings.weight"},
      {"token_embd_norm.weight", "embeddings.LayerNorm.weight"},
      {"token_embd_norm.bias", "embeddings.LayerNorm.bias"},
      {"blk.0.attn_q.weight", "encoder.layer.0.attention.self.query.weight"},
      {"blk.0.attn_q.bias", "encoder.layer.0.attention.self.query.bias"},
      {"blk.0.attn_k.weight", "encoder.layer.0.attention.self.key.weight"},
      {"blk.0.attn_k.bias", "encoder.layer.0.attention.self.key.bias"},
      {"blk.0.attn_v.weight", "encoder.layer.0.attention.self.value.weight"},
      {"blk.0.attn_v.bias", "encoder.layer.0.attention.self.value.bias"},
      {"blk.0.attn_output.weight", "encoder.layer.0.attention.output.dense.weight"},
      {"blk.0.attn_output.bias", "encoder.layer.0.attention.output.dense.bias"},
      {"blk.0.attn_output_norm.weight", "encoder.layer.0.attention.output.LayerNorm.weight"},
      {"blk.0.attn_output_norm.bias", "encoder.layer.0.attention.output.LayerNorm.bias"},
      {"blk.0.ffn_up.weight", "encoder.layer.0.intermediate.dense.weight"},
      {"blk.0.ffn_up.bias", "encoder.layer.0.intermediate.dense.bias"},
      {"blk.0.ffn_down.weight", "encoder.layer.0.output.dense.weight"},
      {"blk.0.ffn_down.bias", "encoder.layer.0.output.dense.bias"},
      {"blk.0.layer_output_norm.weight", "encoder.layer.0.output.LayerNorm.weight"},
      {"blk.0.layer_output_norm.bias", "encoder.layer.0.output.LayerNorm.bias"}};
  EXPECT_EQ(file.tensors().size(), std::size(names));
  for (const auto& [name, source] : names) expect_same(file, name, folder.tensors.at(source));
}

TEST(HuggingFaceEncoder, PositionsAndSegmentsStayF32) {
  ModelFolder folder("bert-f16");
  make_bert(folder);
  const Gguf file = import(folder, TensorType::f16);
  EXPECT_EQ(file.tensor("position_embd.weight").type, TensorType::f32);
  EXPECT_EQ(file.tensor("token_types.weight").type, TensorType::f32);
  EXPECT_EQ(file.tensor("token_embd.weight").type, TensorType::f16);
  EXPECT_EQ(file.tensor("blk.0.ffn_up.weight").type, TensorType::f16);
}

TEST(HuggingFaceEncoder, AHeadThatScoresPairsIsItsPoolerAndItsClassifier) {
  ModelFolder folder("bert-rank");
  make_bert(folder, "BertForSequenceClassification");
  const Gguf file = import(folder);
  EXPECT_EQ(file.u64("bert.pooling_type"), 4u);
  expect_same(file, "cls.weight", folder.tensors.at("bert.pooler.dense.weight"));
  expect_same(file, "cls.bias", folder.tensors.at("bert.pooler.dense.bias"));
  expect_same(file, "cls.output.weight", folder.tensors.at("classifier.weight"));
  expect_same(file, "cls.output.bias", folder.tensors.at("classifier.bias"));
  expect_same(file, "token_embd.weight",
              folder.tensors.at("bert.embeddings.word_embeddings.weight"));
}

TEST(HuggingFaceEncoder, PoolingIsThatOfSentenceTransformers) {
  ModelFolder folder("bert-pool");
  make_bert(folder);
  const auto pooling = [&](const std::string& config) {
    add_pooling(folder, config);
    return import(folder).u64("bert.pooling_type");
  };
  EXPECT_EQ(pooling(R"({"pooling_mode_cls_token":false,"pooling_mode_mean_tokens":true})"), 1u);
  EXPECT_EQ(pooling(R"({"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":false})"), 2u);
  EXPECT_EQ(pooling(R"({"pooling_mode_lasttoken":true})"), 3u);
  add_pooling(folder, R"({"pooling_mode_max_tokens":true})");
  EXPECT_THAT(import_error(folder, Errc::unsupported), HasSubstr("'pooling_mode_max_tokens'"));
  add_pooling(folder, R"({"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":true})");
  EXPECT_THAT(import_error(folder, Errc::unsupported), HasSubstr("one of mean, first or last"));
  add_pooling(folder, "{}");
  EXPECT_THAT(import_error(folder, Errc::corrupt_data), HasSubstr("no pooling_mode_* is true"));
  add_pooling(folder, R"({"pooling_mode_mean_tokens":true})",
              R"(,{"path":"3_Dense","type":"sentence_transformers.models.Dense"})");
  EXPECT_THAT(import_error(folder, Errc::unsupported), HasSubstr("module 'Dense'"));
  for (const char* path : {"", "/etc", "../other"}) {
    folder.write("modules.json", fmt::format(R"([{{"path":"{}","type":"Pooling"}}])", path));
    EXPECT_THAT(import_error(folder, Errc::corrupt_data), HasSubstr("not a folder inside"));
  }
  folder.write("modules.json", "{}");
  EXPECT_THAT(import_error(folder, Errc::corrupt_data), HasSubstr("not a list of modules"));
}

TEST(HuggingFaceEncoder, WordPieceMarksTheBeginningsOfWords) {
  ModelFolder folder("bert-words");
  make_bert(folder);
  Gguf file = import(folder);
  EXPECT_EQ(file.string("tokenizer.ggml.model"), "bert");
  EXPECT_THAT(*file.try_strings("tokenizer.ggml.tokens"),
              ElementsAre("[PAD]", "[UNK]", "[CLS]", "[SEP]", "\u2581cat", "s", "\u2581##",
                          "\u2581[", "[PAD8]"));
  EXPECT_THAT(*file.try_ints("tokenizer.ggml.token_type"), ElementsAre(3, 3, 3, 3, 1, 1, 1, 1, 5));
  EXPECT_EQ(file.u64("tokenizer.ggml.token_type_count"), 2u);
  EXPECT_EQ(file.u64("tokenizer.ggml.padding_token_id"), 0u);
  EXPECT_EQ(file.u64("tokenizer.ggml.unknown_token_id"), 1u);
  EXPECT_EQ(file.u64("tokenizer.ggml.bos_token_id"), 2u);
  EXPECT_EQ(file.u64("tokenizer.ggml.cls_token_id"), 2u);
  EXPECT_EQ(file.u64("tokenizer.ggml.seperator_token_id"), 3u);
  EXPECT_EQ(file.try_bool("tokenizer.ggml.normalizer.lowercase"), true);
  EXPECT_FALSE(file.find("tokenizer.ggml.normalizer.strip_accents"));
  folder.write("tokenizer.json",
               replaced(replaced(kTokenizer, R"("lowercase": true)", R"("lowercase": false)"),
                        R"("strip_accents": null)", R"("strip_accents": true)"));
  file = import(folder);
  EXPECT_EQ(file.try_bool("tokenizer.ggml.normalizer.lowercase"), false);
  EXPECT_EQ(file.try_bool("tokenizer.ggml.normalizer.strip_accents"), true);
}

TEST(HuggingFaceEncoder, WhatEnginesDoNotComputeIsRefused) {
  ModelFolder folder("bert-refused");
  make_bert(folder);
  const auto of_tokenizer = [&](const std::string& what, const std::string& by) {
    folder.write("tokenizer.json", replaced(kTokenizer, what, by));
    return import_error(folder, Errc::unsupported);
  };
  EXPECT_THAT(of_tokenizer(": 100", ": 50"), HasSubstr("'max_input_chars_per_word' is 50"));
  EXPECT_THAT(of_tokenizer("BertPreTokenizer", "Whitespace"), HasSubstr("BertPreTokenizer only"));
  EXPECT_THAT(of_tokenizer("BertNormalizer", "Lowercase"), HasSubstr("BertPreTokenizer only"));
  EXPECT_THAT(of_tokenizer(R"("clean_text": true)", R"("clean_text": false)"),
              HasSubstr("BertPreTokenizer only"));
  folder.write("tokenizer.json", kTokenizer);
  const auto of_config = [&](const std::string& what, const std::string& by, Errc code) {
    folder.write("config.json", replaced(kConfig, what, by));
    return import_error(folder, code);
  };
  EXPECT_THAT(of_config(R"("gelu")", R"("gelu_new")", Errc::unsupported),
              HasSubstr("'hidden_act' is 'gelu_new', the family computes gelu"));
  EXPECT_THAT(
      of_config(R"("pad)", R"("position_embedding_type":"relative_key","pad)", Errc::unsupported),
      HasSubstr("'position_embedding_type' is 'relative_key'"));
  EXPECT_THAT(of_config(R"("pad)", R"("is_decoder":true,"pad)", Errc::unsupported),
              HasSubstr("'is_decoder'"));
  EXPECT_THAT(of_config(R"("max_position_embeddings":12)", R"("max_position_embeddings":13)",
                        Errc::corrupt_data),
              HasSubstr("shape [12, 4], config.json implies [13, 4]"));
}

}  // namespace
}  // namespace hearth::store
