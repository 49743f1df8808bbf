#include "hearth/store/hugging_face_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/base/error.h"
#include "hearth/store/model_folder_for_test.h"

namespace hearth::store {
namespace {

using formats::GgufArray;
using formats::GgufValue;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The keys of a folder's tokenizer, by name.
class Keys {
 public:
  explicit Keys(const ModelFolder& folder, uint64_t vocab_size = 8,
                const HuggingFaceConfig& config = {})
      : keys_(tokenizer_keys(folder.path(), config, vocab_size, notes)) {}
  bool has(std::string_view name) const { return find(name) != nullptr; }
  template <class T>
  T get(std::string_view name) const {
    const GgufValue* value = find(name);
    return value ? std::get<T>(*value) : T{};
  }
  template <class T>
  std::vector<T> list(std::string_view name) const {
    const GgufValue* value = find(name);
    return value ? std::get<std::vector<T>>(std::get<GgufArray>(*value).items) : std::vector<T>{};
  }
  std::string text(std::string_view name) const { return get<std::string>(name); }

  std::vector<std::string> notes;

 private:
  const GgufValue* find(std::string_view name) const {
    for (const auto& [key, value] : keys_)
      if (key == fmt::format("tokenizer.{}", name)) return &value;
    return nullptr;
  }
  GgufKeys keys_;
};

std::string keys_error(const ModelFolder& folder, Errc code, uint64_t vocab_size = 8) {
  std::vector<std::string> notes;
  try {
    tokenizer_keys(folder.path(), {}, vocab_size, notes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "accepted";
  return "";
}

TEST(HuggingFaceTokenizer, ByteLevelBpe) {
  ModelFolder folder("bytelevel");
  folder.write("tokenizer.json", kByteLevelTokenizer);
  folder.write("tokenizer_config.json",
               R"({"eos_token":{"content":"<|end|>"},"pad_token":"<|end|>",)"
               R"("bos_token":null,"chat_template":"{{ messages }}"})");
  const Keys keys(folder);
  EXPECT_EQ(keys.text("ggml.model"), "gpt2");
  EXPECT_EQ(keys.text("ggml.pre"), "gpt-2");
  EXPECT_THAT(keys.list<std::string>("ggml.tokens"),
              ElementsAre("a", "b", "c", "ab", "abc", "<tool>", "<|end|>", "[PAD7]"));
  EXPECT_THAT(keys.list<int32_t>("ggml.token_type"), ElementsAre(1, 1, 1, 1, 1, 4, 3, 5));
  EXPECT_THAT(keys.list<std::string>("ggml.merges"),
              ElementsAre("a b", "ab c"));  // from both spellings
  EXPECT_FALSE(keys.has("ggml.scores"));
  EXPECT_EQ(keys.get<uint32_t>("ggml.eos_token_id"), 6u);
  EXPECT_EQ(keys.get<uint32_t>("ggml.padding_token_id"), 6u);
  EXPECT_FALSE(keys.has("ggml.bos_token_id"));
  EXPECT_EQ(keys.text("chat_template"), "{{ messages }}");
  EXPECT_FALSE(keys.get<bool>("ggml.add_bos_token"));
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(HuggingFaceTokenizer, WhatItDoesToTextsBeforeIsNotedOrRefused) {
  ModelFolder folder("normalizer");
  const auto write = [&](std::string_view normalizer) {
    folder.write("tokenizer.json", replaced(kByteLevelTokenizer, R"("normalizer": null)",
                                            fmt::format(R"("normalizer": {})", normalizer)));
  };
  write(R"({"type":"Sequence","normalizers":[]})");  // DeepSeek
  EXPECT_THAT(Keys(folder).notes, IsEmpty());
  write(R"({"type":"NFC"})");  // Qwen
  EXPECT_THAT(Keys(folder).notes, ElementsAre(HasSubstr("(NFC)")));
  for (const char* other :
       {R"({"type":"Lowercase"})", R"({"type":"NFKC"})", R"({"type":"Prepend","prepend":"▁"})",
        R"({"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Strip"}]})"}) {
    write(other);
    EXPECT_THAT(keys_error(folder, Errc::unsupported), HasSubstr("'normalizer'")) << other;
  }
}

TEST(HuggingFaceTokenizer, IdsComeFromTheOtherFilesWhereNoNameSaysThem) {
  ModelFolder folder("ids");
  folder.write("tokenizer.json", kByteLevelTokenizer);
  folder.write("generation_config.json", R"({"eos_token_id":[6,5]})");
  HuggingFaceConfig config;
  config.bos = 2;
  config.eos = {4};
  const Keys keys(folder, 8, config);
  EXPECT_EQ(keys.get<uint32_t>("ggml.bos_token_id"), 2u);
  EXPECT_EQ(keys.get<uint32_t>("ggml.eos_token_id"), 6u);
  EXPECT_EQ(keys.get<uint32_t>("ggml.eot_token_id"), 5u);
}

TEST(HuggingFaceTokenizer, ThePostProcessorSaysWhetherTextsBeginWithBos) {
  ModelFolder folder("post");
  std::string tokenizer = kByteLevelTokenizer;
  tokenizer.insert(
      tokenizer.find('{') + 1,
      R"("post_processor":{"type":"Sequence","processors":[{"type":"ByteLevel"},)"
      R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|end|>","type_id":0}},)"
      R"({"Sequence":{"id":"A","type_id":0}}]}]},)");
  folder.write("tokenizer.json", tokenizer);
  folder.write("tokenizer_config.json", R"({"bos_token":"<|end|>","eos_token":"<|end|>"})");
  const Keys keys(folder);
  EXPECT_TRUE(keys.get<bool>("ggml.add_bos_token"));
  EXPECT_FALSE(keys.get<bool>("ggml.add_eos_token"));
}

// Characters, bytes and merges as Llama 2's tokenizer.json has them.
constexpr const char* kSentencePieceJson = R"({
  "added_tokens": [{"id": 0, "content": "<unk>", "special": true},
                   {"id": 1, "content": "<s>", "special": true}],
  "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                 {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
  "pre_tokenizer": null,
  "model": {"type": "BPE", "unk_token": "<unk>", "byte_fallback": true,
            "vocab": {"<unk>": 0, "<s>": 1, "<0x0A>": 2, "ab": 3, "▁ab": 4,
                      "a": 5, "b": 6, "▁": 7},
            "merges": ["a b", "▁ ab", "▁a b"]}
})";

TEST(HuggingFaceTokenizer, SentencePieceInATokenizerJson) {
  ModelFolder folder("spmjson");
  folder.write("tokenizer.json", kSentencePieceJson);
  const Keys keys(folder);
  EXPECT_EQ(keys.text("ggml.model"), "llama");
  EXPECT_THAT(keys.list<int32_t>("ggml.token_type"), ElementsAre(2, 3, 6, 1, 1, 1, 1, 1));
  const std::vector<float> scores = keys.list<float>("ggml.scores");
  EXPECT_EQ(scores[3], 0.0f);   // made by merge 0
  EXPECT_EQ(scores[4], -1.0f);  // by merge 1 first
  EXPECT_LT(scores[5], -1.0f);  // by none
  EXPECT_TRUE(keys.get<bool>("ggml.add_space_prefix"));
  EXPECT_FALSE(keys.has("ggml.merges"));
}

// The stages of Gemma 3, Mistral 0.3 and, for the error, a byte-level vocabulary with
// byte_fallback.
TEST(HuggingFaceTokenizer, SentencePieceStagesMarkSpacesAndCutNothing) {
  ModelFolder folder("spmstages");
  const auto write = [&](std::string_view pre_tokenizer) {
    folder.write("tokenizer.json", replaced(kSentencePieceJson, R"("pre_tokenizer": null)",
                                            fmt::format(R"("pre_tokenizer": {})", pre_tokenizer)));
  };
  write(R"({"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious"})");
  EXPECT_TRUE(Keys(folder).get<bool>("ggml.add_space_prefix"));
  write(R"({"type":"Sequence","pretokenizers":[{"type":"Metaspace","prepend_scheme":"first"}]})");
  EXPECT_THAT(Keys(folder).notes, IsEmpty());
  for (const char* other : {R"({"type":"ByteLevel","add_prefix_space":false})",
                            R"({"type":"Split","pattern":{"Regex":"\\d"}})"}) {
    write(other);
    EXPECT_THAT(keys_error(folder, Errc::unsupported), HasSubstr("'pre_tokenizer' beside"))
        << other;
  }
  folder.write("tokenizer.json", replaced(kSentencePieceJson, R"("pattern": {"String": " "})",
                                          R"("pattern": {"Regex": "[ \\t]+"})"));
  EXPECT_THAT(keys_error(folder, Errc::unsupported), HasSubstr("'normalizer'"));
}

TEST(HuggingFaceTokenizer, TheSentencePieceModelsScoresWinOverMerges) {
  ModelFolder folder("spm");
  folder.write("tokenizer.json", kSentencePieceJson);
  const auto field = [](char tag, const std::string& payload) {
    return std::string{tag, static_cast<char>(payload.size())} + payload;
  };
  const std::string score("\x15\x00\x00\x00\xC0", 5);  // -2.0f
  folder.write("tokenizer.model", field(0x0A, field(0x0A, "<unk>") + "\x18\x02") +
                                      field(0x0A, field(0x0A, "<s>") + "\x18\x03") +
                                      field(0x0A, field(0x0A, "ab") + score) +
                                      field(0x12, "\x18\x02") +
                                      field(0x1A, std::string("\x18\x00\x20\x00", 4)));
  folder.write("added_tokens.json", R"({"<call>": 6})");
  // An added token of the .json that the .model does not have takes its place with llama.cpp's
  // score for those.
  const Keys keys(folder);
  EXPECT_THAT(keys.list<std::string>("ggml.tokens"),
              ElementsAre("<unk>", "<s>", "ab", "[PAD3]", "[PAD4]", "[PAD5]", "<call>", "[PAD7]"));
  EXPECT_THAT(keys.list<int32_t>("ggml.token_type"), ElementsAre(2, 3, 1, 5, 5, 5, 4, 5));
  EXPECT_EQ(keys.list<float>("ggml.scores")[2], -2.0f);
  EXPECT_EQ(keys.list<float>("ggml.scores")[6], -1000.0f);
  EXPECT_FALSE(keys.get<bool>("ggml.add_space_prefix"));
  EXPECT_THAT(keys.notes, IsEmpty());
  folder.write("tokenizer.model",
               field(0x0A, field(0x0A, "<unk>") + "\x18\x02") + field(0x12, "\x18\x02") +
                   field(0x1A, field(0x12, "table") + std::string("\x20\x00", 2)));
  EXPECT_THAT(Keys(folder).notes, ElementsAre(HasSubstr("normalises texts")));
}

TEST(HuggingFaceTokenizer, TemplatesComeFromTheirFileOrByName) {
  ModelFolder folder("templates");
  folder.write("tokenizer.json", kByteLevelTokenizer);
  folder.write(
      "tokenizer_config.json",
      R"({"chat_template":[{"name":"default","template":"D"},{"name":"rag","template":"R"}]})");
  const Keys named(folder);
  EXPECT_EQ(named.text("chat_template"), "D");
  EXPECT_EQ(named.text("chat_template.rag"), "R");
  EXPECT_THAT(named.list<std::string>("chat_templates"), ElementsAre("rag"));
  folder.write("chat_template.jinja", "F");
  EXPECT_EQ(Keys(folder).text("chat_template"), "F");
}

TEST(HuggingFaceTokenizer, TokenizersThatCannotBeImportedSayWhy) {
  ModelFolder folder("refused");
  const auto error_of = [&](const std::string& model, Errc code) {
    folder.write("tokenizer.json", fmt::format(R"({{"model":{}}})", model));
    return keys_error(folder, code);
  };
  EXPECT_THAT(keys_error(folder, Errc::not_found),
              HasSubstr("neither tokenizer.json nor tokenizer.model"));
  EXPECT_THAT(error_of(R"({"type":"Unigram"})", Errc::unsupported),
              HasSubstr("model type 'Unigram'"));
  EXPECT_THAT(error_of("3", Errc::corrupt_data), HasSubstr("'model': not a JSON object"));
  EXPECT_THAT(error_of(R"({"vocab":{"a":"x"},"merges":[]})", Errc::corrupt_data),
              HasSubstr("the id of 'a'"));
  EXPECT_THAT(error_of(R"({"vocab":{"a":8},"merges":[]})", Errc::corrupt_data),
              HasSubstr("token 'a' has id 8, the embedding has 8 rows"));
  EXPECT_THAT(error_of(R"({"vocab":{"a":0}})", Errc::corrupt_data),
              HasSubstr("'merges': not a list"));
  EXPECT_THAT(
      error_of(R"({"vocab":{},"merges":[],"end_of_word_suffix":"</w>"})", Errc::unsupported),
      HasSubstr("'end_of_word_suffix' is '</w>'"));
  for (const char* merge : {R"("ab")", R"(["a"])", R"(["a","b","c"])", "3", R"(" a")"})
    EXPECT_THAT(
        error_of(fmt::format(R"({{"vocab":{{"a":0}},"merges":[{}]}})", merge), Errc::corrupt_data),
        HasSubstr("not a pair of tokens"));
  EXPECT_THAT(error_of(R"({"vocab":{"a":0},"merges":[]})", Errc::unsupported),
              HasSubstr("'pre_tokenizer'"));
  fs::remove(folder.path() / "tokenizer.json");
  folder.write("tokenizer.model", std::string("\x0A\x03\x0A\x01x", 5));  // unigram by default
  EXPECT_THAT(keys_error(folder, Errc::unsupported), HasSubstr("SentencePiece model type 1"));
}

TEST(HuggingFaceTokenizer, FieldsOfAnotherTypeAreErrorsAndNotCrashes) {
  ModelFolder folder("types");
  std::string tokenizer = kSentencePieceJson;
  tokenizer.replace(tokenizer.find(R"("type": "Sequence")"), 18, R"("type": 3)");
  folder.write("tokenizer.json", tokenizer);
  EXPECT_THAT(keys_error(folder, Errc::corrupt_data), HasSubstr("tokenizer files"));
  folder.write("tokenizer.json", kByteLevelTokenizer);
  folder.write("tokenizer_config.json", R"({"added_tokens_decoder":{"x":{"content":"t"}}})");
  EXPECT_THAT(keys_error(folder, Errc::corrupt_data), HasSubstr("'x' is not a token id"));
  folder.write("tokenizer_config.json", R"({"chat_template":3})");
  EXPECT_THAT(keys_error(folder, Errc::corrupt_data), HasSubstr("'chat_template': not text"));
}

}  // namespace
}  // namespace hearth::store
