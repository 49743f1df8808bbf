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

TEST(PreTokenizerName, KnownRegexesHaveTheirNames) {
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kLlama3), true), "llama-bpe");
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kLlama3, "Removed", true), true), "llama-bpe");
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kQwen2), false), "qwen2");
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(kTekken), false), "tekken");
}

TEST(PreTokenizerName, LineEndsMayStandInTheRegexThemselves) {
  std::string literal = kQwen2;
  for (size_t at; (at = literal.find(R"(\r\n)")) != std::string::npos;)
    literal.replace(at, 4, "\r\n");
  EXPECT_EQ(try_pre_tokenizer_name(split_then_bytes(literal), false), "qwen2");
}

TEST(PreTokenizerName, DeepSeeksStages) {
  const auto split = [](const char* regex) {
    return json{{"type", "Split"},
                {"pattern", {{"Regex", regex}}},
                {"behavior", "Isolated"},
                {"invert", false}};
  };
  const json bytes = json::parse(kBytesOnly),
             digits = {{"type", "Digits"}, {"individual_digits", true}};
  const json coder = {{"type", "Sequence"},
                      {"pretokenizers",
                       {split("[\r\n]"), split("\\s?\\p{L}+"), split("\\s?\\p{P}+"),
                        split("[一-龥ࠀ-一가-\uD7FF]+"), digits, bytes}}};
  EXPECT_EQ(try_pre_tokenizer_name(coder, false), "deepseek-coder");
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
