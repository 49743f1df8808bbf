#include "hearth/store/pre_tokenizer_name.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace hearth::store {
namespace {

using nlohmann::json;

constexpr const char* kBytesOnly =
    R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false})";
constexpr const char* kGpt2 = R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":true})";

/// A Sequence of one Split by `regex` and a ByteLevel that only maps bytes, as most models write
/// it.
json split_then_bytes(const std::string& regex, const std::string& behavior = "Isolated",
                      bool invert = false) {
  const json split = {{"type", "Split"},
                      {"pattern", {{"Regex", regex}}},
                      {"behavior", behavior},
                      {"invert", invert}};
  return {{"type", "Sequence"}, {"pretokenizers", {split, json::parse(kBytesOnly)}}};
}

// As the models' own tokenizer.json files have them.
const std::string kLlama3 = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
                            R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kQwen2 = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
                           R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N})"
    R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Qwen3.5, gpt-oss and Phi-4-mini, Seed-Coder.
const std::string kQwen35 = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N})"
                            R"(| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kO200k =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+)"
    R"([\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3})"
    R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string kSeedCoder =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}"
    "| ?[^\\s\\p{L}\\p{N}\r\n]+|\\s*[\r\n]+|\\s+(?!\\S)|\\s+";

TEST(PreTokenizerName, KnownRegexesHaveTheirNames) {
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kLlama3), true), "llama-bpe");
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kLlama3, "Removed", true), true), "llama-bpe");
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kQwen2), false), "qwen2");
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kTekken), true), "tekken");
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kQwen35), false), "qwen35");
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kO200k), true), "gpt-4o");
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kO200k, "Removed", true), false), "gpt-4o");
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kSeedCoder), false), "seed-coder");
}

TEST(PreTokenizerName, LineEndsMayStandInTheRegexThemselves) {
  std::string literal = kQwen2;
  for (size_t at; (at = literal.find(R"(\r\n)")) != std::string::npos;)
    literal.replace(at, 4, "\r\n");
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(literal), false), "qwen2");
}

// tokenizer.json of deepseek-coder-6.7b, deepseek-llm-7b and DeepSeek-V3 as the files spell them;
// the range from U+0800 and that to U+D7FF end in characters that few fonts show.
TEST(PreTokenizerName, DeepSeeksStages) {
  const std::string digits = R"({"type":"Digits","individual_digits":true})";
  const auto name_of = [&](const std::vector<std::string>& regexes, const std::string& then) {
    std::string stages;
    for (const std::string& regex : regexes)
      stages += R"({"type":"Split","pattern":{"Regex":")" + regex +
                R"("},"behavior":"Isolated","invert":false},)";
    const std::string text =
        R"({"type":"Sequence","pretokenizers":[)" + stages + then + kBytesOnly + "]}";
    return try_pre_tokenizer_name(json::parse(text), false);
  };
  const std::string newline = R"([\r\n])", han = R"([一-龥\u0800-一가-\ud7ff]+)";
  EXPECT_EQ(name_of({newline, R"(\\s?\\p{L}+)", R"(\\s?\\p{P}+)", han}, digits + ","),
            "deepseek-coder");
  const std::string letters =
      R"(\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚ)"
      R"(Ḁ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\u1f7dᾀ-ᾴᾶ-ᾼ\u1fbeῂ-ῄῆ-ῌῐ-\u1fd3ῖ-\u1fdbῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ)"
      R"(\u2126ℨ\u212a-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ)"
      R"(𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+)";
  const std::string wide = R"(\\s?[!-/:-~！-／：-～‘-‟\u3000-。]+)";
  EXPECT_EQ(name_of({newline, letters, wide, R"(\\s+$)", han}, digits + ","), "deepseek-llm");
  EXPECT_EQ(name_of({newline, letters, wide, R"(\\s+$)", "[一-龥]+"}, digits + ","), std::nullopt);
  const std::string words =
      R"([!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?)"
      R"([\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+)";
  EXPECT_EQ(name_of({R"(\\p{N}{1,3})", R"([一-龥\u3040-ゟ゠-ヿ]+)", words}, ""), "deepseek-v3");
}

TEST(PreTokenizerName, Llama3sRegexWithoutItsShortcutForWholeWordsIsAnother) {
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kLlama3), false), "dbrx");
}

TEST(PreTokenizerName, StagesThatAreNoSplit) {
  EXPECT_EQ(try_pre_tokenizer_name(json::parse(kGpt2), false), "gpt-2");
  const json smollm = {
      {"type", "Sequence"},
      {"pretokenizers", {{{"type", "Digits"}, {"individual_digits", true}}, json::parse(kGpt2)}}};
  EXPECT_EQ(try_pre_tokenizer_name(smollm, false), "smollm");
  const json falcon = json::parse(R"({"type":"Sequence","pretokenizers":[
      {"type":"Punctuation","behavior":"Contiguous"},
      {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},
      {"type":"Digits","individual_digits":false},
      {"type":"Split","pattern":{"Regex":"[0-9][0-9][0-9]"},
       "behavior":"Isolated","invert":false}]})");
  EXPECT_EQ(try_pre_tokenizer_name(falcon, false), "falcon");
}

TEST(PreTokenizerName, WhatWouldCutDifferentlyHasNoName) {
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kLlama3 + "|x"), true), std::nullopt);
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kLlama3, "Removed", false), true),
            std::nullopt);
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kLlama3, "MergedWithNext"), true),
            std::nullopt);
  EXPECT_EQ(
      try_pre_tokenizer_name(json::parse(R"({"type":"ByteLevel","add_prefix_space":true})"), false),
      std::nullopt);
  EXPECT_EQ(try_pre_tokenizer_name(json::parse(kBytesOnly), false), std::nullopt);
  json without_bytes = split_then_bytes(kQwen2);
  without_bytes["pretokenizers"].erase(1);  // its tokens would be spelled in characters
  EXPECT_EQ(try_pre_tokenizer_name(without_bytes, false), std::nullopt);
  EXPECT_EQ(try_pre_tokenizer_name(json::parse(R"({"type":"Whitespace"})"), false), std::nullopt);
}

TEST(PreTokenizerName, OtherJsonHasNoName) {
  for (const char* text :
       {"null", "[]", "3", R"({"type":3})", R"({"type":"Sequence","pretokenizers":{}})",
        R"({"type":"Split","pattern":"x"})", R"({"type":"Digits","individual_digits":"no"})"})
    EXPECT_EQ(try_pre_tokenizer_name(json::parse(text), false), std::nullopt) << text;
}

}  // namespace
}  // namespace hearth::store
