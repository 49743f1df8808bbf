// For tests: a tokenizer of 320 tokens, whose text tokens are two letters and digits each.
#pragma once
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hearth/formats/gguf.h"
#include "hearth/llm/tokenizer/tokenizer.h"

namespace hearth::llm {

inline constexpr int kTinyBos = 1;
inline constexpr int kTinyEos = 2;
inline constexpr int kTinyFirstByte = 3;    // "<0x00>" … "<0xFF>"
inline constexpr int kTinyFirstText = 259;  // "a0", "b0", … "z0", "a1", …: two bytes each
inline constexpr int kTinySize = 320;

inline std::string tiny_spelling(int id) {
  const int i = id - kTinyFirstText;
  return {static_cast<char>('a' + i % 26), static_cast<char>('0' + i / 26)};
}

struct TinyVocabulary {
  fs::path path;
  std::unique_ptr<Tokenizer> tokenizer;
  TinyVocabulary();
  ~TinyVocabulary() { fs::remove(path); }
};

inline TinyVocabulary::TinyVocabulary() {
  static int count = 0;
  path = fs::temp_directory_path() / fmt::format("hearth_tiny_{}_{}.gguf", ::getpid(), count++);
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<int32_t> kinds = {2, 3, 3};
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(fmt::format("<0x{:02X}>", byte));
    kinds.push_back(6);
  }
  while (static_cast<int>(tokens.size()) < kTinySize) {
    tokens.push_back(tiny_spelling(static_cast<int>(tokens.size())));
    kinds.push_back(1);
  }
  using formats::GgufArray;
  formats::GgufWriter writer(path);
  writer.set("general.architecture", std::string("llama"));
  writer.set("tokenizer.ggml.model", std::string("llama"));
  writer.set("tokenizer.ggml.scores", GgufArray{std::vector<float>(tokens.size(), 0.0f)});
  writer.set("tokenizer.ggml.token_type", GgufArray{std::move(kinds)});
  writer.set("tokenizer.ggml.tokens", GgufArray{std::move(tokens)});
  writer.set("tokenizer.ggml.bos_token_id", uint32_t{kTinyBos});
  writer.set("tokenizer.ggml.eos_token_id", uint32_t{kTinyEos});
  writer.finish();
  tokenizer = Tokenizer::load(formats::Gguf::open(path));
}

}  // namespace hearth::llm
