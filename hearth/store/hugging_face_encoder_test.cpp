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

TEST(HuggingFaceEncoder, NormsOfTheFirstCheckpointsHaveOtherNames) {
  ModelFolder folder("bert-old");
  make_bert(folder);
  const TestTensor weight = folder.tensors.at("encoder.layer.0.output.LayerNorm.weight");
  const TestTensor bias = folder.tensors.at("embeddings.LayerNorm.bias");
  const auto rename = [&](const std::string& from, const std::string& to) {
    for (auto next = folder.tensors.begin(); next != folder.tensors.end();) {
      auto entry = next++;
      if (!entry->first.ends_with(from)) continue;
      auto taken = folder.tensors.extract(entry);
      taken.key().replace(taken.key().size() - from.size(), from.size(), to);
      folder.tensors.insert(std::move(taken));
    }
  };
  rename("LayerNorm.weight", "LayerNorm.gamma");
  rename("LayerNorm.bias", "LayerNorm.beta");
  folder.write_tensors();
  const Gguf file = import(folder);
  expect_same(file, "blk.0.layer_output_norm.weight", weight);
  expect_same(file, "token_embd_norm.bias", bias);
}

TEST(HuggingFaceEncoder, AVocabularyOfLinesIsThatOfTokenizerJson) {
  ModelFolder folder("bert-lines");
  make_bert(folder);
  const Gguf expected = import(folder);
  fs::remove(folder.path() / "tokenizer.json");
  for (const char* text : {"[PAD]\n[UNK]\n[CLS]\n[SEP]\ncat\n##s\n##\n[\n",
                           "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\ncat\r\n##s\r\n##\r\n["}) {
    folder.write("vocab.txt", text);
    const Gguf file = import(folder);
    for (const auto& [key, value] : expected.metadata())
      EXPECT_TRUE(!key.starts_with("tokenizer.") || file.find(key)) << key;
    EXPECT_EQ(*file.try_strings("tokenizer.ggml.tokens"),
              *expected.try_strings("tokenizer.ggml.tokens"));
    EXPECT_EQ(file.try_ints("tokenizer.ggml.token_type"),
              expected.try_ints("tokenizer.ggml.token_type"));
    for (const char* key : {"padding", "unknown", "bos", "cls", "seperator"}) {
      const std::string full = fmt::format("tokenizer.ggml.{}_token_id", key);
      EXPECT_EQ(file.u64(full), expected.u64(full)) << key;
    }
    EXPECT_EQ(file.try_bool("tokenizer.ggml.normalizer.lowercase"), true);
    EXPECT_FALSE(file.find("tokenizer.ggml.normalizer.strip_accents"));
  }
}

TEST(HuggingFaceEncoder, SettingsBesideAVocabularyOfLinesCount) {
  ModelFolder folder("bert-lines-set");
  make_bert(folder);
  fs::remove(folder.path() / "tokenizer.json");
  folder.write("vocab.txt", "<p>\n[UNK]\n[CLS]\n[SEP]\ncat");
  folder.write("tokenizer_config.json",
               R"({"do_lower_case":false,"strip_accents":true,"tokenizer_class":"BertTokenizer",)"
               R"("pad_token":{"content":"<p>"}})");
  const Gguf file = import(folder);
  EXPECT_EQ(file.try_bool("tokenizer.ggml.normalizer.lowercase"), false);
  EXPECT_EQ(file.try_bool("tokenizer.ggml.normalizer.strip_accents"), true);
  EXPECT_THAT(*file.try_strings("tokenizer.ggml.tokens"),
              ElementsAre("<p>", "[UNK]", "[CLS]", "[SEP]", "\u2581cat", "[PAD5]", "[PAD6]",
                          "[PAD7]", "[PAD8]"));
  EXPECT_THAT(*file.try_ints("tokenizer.ggml.token_type"), ElementsAre(3, 3, 3, 3, 1, 5, 5, 5, 5));
  folder.write("tokenizer_config.json", R"({"tokenizer_class":"BertJapaneseTokenizer"})");
  EXPECT_THAT(import_error(folder, Errc::unsupported), HasSubstr("'BertJapaneseTokenizer'"));
  folder.write("tokenizer_config.json", R"({"tokenize_chinese_chars":false})");
  EXPECT_THAT(import_error(folder, Errc::unsupported), HasSubstr("'tokenize_chinese_chars'"));
  folder.write("tokenizer_config.json", "{}");
  folder.write("vocab.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj");
  EXPECT_THAT(import_error(folder, Errc::corrupt_data),
              HasSubstr("token 'j' has id 9, the embedding has 9 rows"));
}

/// dim 4, 2 heads, one layer; ffn 200, which becomes 256.
constexpr const char* kNomicConfig =
    R"({"model_type":"nomic_bert","architectures":["NomicBertModel"],"n_embd":4,"n_head":2,)"
    R"("n_layer":1,"n_inner":200,"n_positions":8192,"max_trained_positions":2048,)"
    R"("type_vocab_size":2,"layer_norm_epsilon":1e-12,"activation_function":"swiglu",)"
    R"("causal":false,"prenorm":false,"qkv_proj_bias":false,"mlp_fc1_bias":false,)"
    R"("mlp_fc2_bias":false,"rotary_emb_base":1000,"rotary_emb_fraction":1.0,)"
    R"("rotary_emb_interleaved":false,"rotary_emb_scale_base":null})";

constexpr std::pair<const char*, const char*> kNomicNames[] = {
    {"token_embd.weight", "embeddings.word_embeddings.weight"},
    {"token_types.weight", "embeddings.token_type_embeddings.weight"},
    {"token_embd_norm.weight", "emb_ln.weight"},
    {"token_embd_norm.bias", "emb_ln.bias"},
    {"blk.0.attn_qkv.weight", "encoder.layers.0.attn.Wqkv.weight"},
    {"blk.0.attn_output.weight", "encoder.layers.0.attn.out_proj.weight"},
    {"blk.0.attn_output_norm.weight", "encoder.layers.0.norm1.weight"},
    {"blk.0.attn_output_norm.bias", "encoder.layers.0.norm1.bias"},
    {"blk.0.ffn_up.weight", "encoder.layers.0.mlp.fc11.weight"},
    {"blk.0.ffn_gate.weight", "encoder.layers.0.mlp.fc12.weight"},
    {"blk.0.ffn_down.weight", "encoder.layers.0.mlp.fc2.weight"},
    {"blk.0.layer_output_norm.weight", "encoder.layers.0.norm2.weight"},
    {"blk.0.layer_output_norm.bias", "encoder.layers.0.norm2.bias"}};

void make_nomic(ModelFolder& folder) {
  folder.write("config.json", kNomicConfig);
  folder.write("tokenizer.json", kTokenizer);
  for (const auto& [name, source] : kNomicNames) folder.tensor(source, {4});
  folder.tensor("embeddings.word_embeddings.weight", {9, 4});
  folder.tensor("embeddings.token_type_embeddings.weight", {2, 4});
  folder.tensor("encoder.layers.0.attn.Wqkv.weight", {12, 4});
  folder.tensor("encoder.layers.0.attn.out_proj.weight", {4, 4});
  folder.tensor("encoder.layers.0.mlp.fc11.weight", {256, 4});
  folder.tensor("encoder.layers.0.mlp.fc12.weight", {256, 4});
  folder.tensor("encoder.layers.0.mlp.fc2.weight", {4, 256});
  folder.tensor("encoder.layers.0.attn.rotary_emb.inv_freq", {1});
  folder.write_tensors();
}

TEST(HuggingFaceEncoder, NomicBertTurnsAndGates) {
  ModelFolder folder("nomic");
  make_nomic(folder);
  add_pooling(folder, R"({"pooling_mode_mean_tokens":true})");
  const Gguf file = import(folder);
  EXPECT_EQ(file.string("general.architecture"), "nomic-bert");
  EXPECT_EQ(file.u64("nomic-bert.context_length"), 2048u);
  EXPECT_EQ(file.u64("nomic-bert.embedding_length"), 4u);
  EXPECT_EQ(file.u64("nomic-bert.feed_forward_length"), 256u);
  EXPECT_EQ(file.u64("nomic-bert.block_count"), 1u);
  EXPECT_EQ(file.u64("nomic-bert.attention.head_count"), 2u);
  EXPECT_EQ(file.try_bool("nomic-bert.attention.causal"), false);
  EXPECT_EQ(file.f64("nomic-bert.rope.freq_base"), 1000);
  EXPECT_EQ(file.u64("nomic-bert.pooling_type"), 1u);
  EXPECT_EQ(file.string("tokenizer.ggml.model"), "bert");
  EXPECT_EQ(file.u64("tokenizer.ggml.token_type_count"), 2u);
  EXPECT_EQ(file.tensors().size(), std::size(kNomicNames));
  for (const auto& [name, source] : kNomicNames) expect_same(file, name, folder.tensors.at(source));
}

TEST(HuggingFaceEncoder, OtherKindsOfNomicBertAreRefused) {
  ModelFolder folder("nomic-refused");
  make_nomic(folder);
  const auto of = [&](const std::string& what, const std::string& by,
                      Errc code = Errc::unsupported) {
    folder.write("config.json", replaced(kNomicConfig, what, by));
    return import_error(folder, code);
  };
  EXPECT_THAT(of(R"("prenorm":false)", R"("prenorm":true)"), HasSubstr("'prenorm' is true"));
  EXPECT_THAT(of(R"("qkv_proj_bias":false,)", ""), HasSubstr("'qkv_proj_bias' is true"));
  EXPECT_THAT(of("fraction\":1.0", "fraction\":0.5"), HasSubstr("'rotary_emb_fraction' is 0.5"));
  EXPECT_THAT(of(R"("causal")", R"("moe_every_n_layers":2,"causal")"),
              HasSubstr("'moe_every_n_layers' is set"));
  EXPECT_THAT(of("swiglu", "gelu"), HasSubstr("'activation_function' is 'gelu'"));
  EXPECT_THAT(of(R"("n_head":2)", R"("n_head":3)", Errc::corrupt_data),
              HasSubstr("'n_embd' is 4, which 3 heads do not divide"));
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
