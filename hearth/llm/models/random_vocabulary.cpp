#include "hearth/llm/models/random_vocabulary.h"

#include "hearth/llm/models/random_model.h"

namespace hearth::llm {
namespace {

// Each longer piece is the sum of two others, so that merging can reach it; earlier pieces have the
// higher scores. "_" stands for U+2581, the SPM space.
constexpr std::string_view kPieces[] = {
    "_t", "he", "_a", "in",   "_the", "er", "on", "_s",  "nd", "_w",   "re",   "_and",
    "ou", "ed", "_o", "_of",  "is",   "it", "an", "en",  "at", "ing",  "_to",  "_in",
    "es", "or", "_h", "_he",  "_was", "_b", "as", "_wa", "th", "_th",  "_it",  "_that",
    "ll", "ve", "om", "_you", "_m",   "_f", "_y", "_yo", "ha", "_tha", "_hea", "_hear",
};
constexpr std::string_view kCharacters =
    "_etaoinshrdlcumwfgypbvkjxqzETAOINSHRDLCUMWFGYPBVKJXQZ.,'!?\"-";

enum Kind : int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6 };

struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<float> scores;
  std::vector<int32_t> kinds;

  void add(std::string token, float score, Kind kind) {
    tokens.push_back(std::move(token));
    scores.push_back(score);
    kinds.push_back(kind);
  }
};

std::string with_spm_space(std::string_view piece) {
  std::string text;
  for (char c : piece)
    if (c == '_')
      text += "\u2581";
    else
      text += c;
  return text;
}

Vocabulary make_vocabulary() {
  Vocabulary v;
  v.add("<unk>", 0, kUnknown);
  v.add("<s>", 0, kControl);
  v.add("</s>", 0, kControl);
  for (int byte = 0; byte < 256; ++byte) v.add(fmt::format("<0x{:02X}>", byte), 0, kByte);
  float score = 0;
  for (std::string_view piece : kPieces) v.add(with_spm_space(piece), score--, kNormal);
  for (char c : kCharacters) v.add(with_spm_space({&c, 1}), score--, kNormal);
  return v;
}

}  // namespace

int random_model_vocab_size() {
  return static_cast<int>(3 + 256 + std::size(kPieces) + kCharacters.size());
}

void write_random_vocabulary(formats::GgufWriter& writer) {
  Vocabulary v = make_vocabulary();
  writer.set("tokenizer.ggml.model", std::string("llama"));
  writer.set("tokenizer.ggml.pre", std::string("default"));
  writer.set("tokenizer.ggml.tokens", formats::GgufArray{std::move(v.tokens)});
  writer.set("tokenizer.ggml.scores", formats::GgufArray{std::move(v.scores)});
  writer.set("tokenizer.ggml.token_type", formats::GgufArray{std::move(v.kinds)});
  writer.set("tokenizer.ggml.bos_token_id", uint32_t{1});
  writer.set("tokenizer.ggml.eos_token_id", uint32_t{2});
  writer.set("tokenizer.ggml.unknown_token_id", uint32_t{0});
  writer.set("tokenizer.ggml.add_bos_token", true);
  writer.set("tokenizer.ggml.add_eos_token", false);
}

}  // namespace hearth::llm
