// Vocabularies made in memory for tests, fuzzers and benchmarks: small ones of each kind, and
// tiktoken's.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hearth/llm/tokenizer/tokenizer.h"

namespace hearth::llm {

/// A spec together with the strings that it points to.
struct OwnedSpec {
  std::vector<std::string> tokens;
  std::vector<std::string> merges;
  TokenizerSpec spec;

  /// Appends a token and returns its id.
  int32_t add(std::string token, TokenKind kind = TokenKind::normal, float score = 0);
  /// Appends "left right" to the merges and the joined token.
  void merge(const std::string& left, const std::string& right);
  /// The tokenizer; the spec stays usable.
  std::unique_ptr<Tokenizer> make();
};

/// <unk> <s> </s>, the 256 byte tokens from id 3 on, then each of `scored` with its score.
OwnedSpec spm_spec(const std::vector<std::pair<std::string, float>>& scored);
/// The 256 bytes in GPT-2's alphabet (id = byte), then what `merges` ("left right") lead to, then
/// <|end|>.
OwnedSpec bpe_spec(const std::vector<std::string>& merges, std::string pre = "gpt-2");
/// [PAD] [UNK] [CLS] [SEP] [MASK], then `words` as they are spelled in a GGUF ("▁word" and
/// "ending").
OwnedSpec wpm_spec(const std::vector<std::string>& words);
/// A byte-level vocabulary from the text of a .tiktoken file (lines "base64 rank"), cut to
/// `tokens_max`, then
/// <|endoftext|>. The merges are found by taking each token apart again with the better-ranked
/// ones.
OwnedSpec tiktoken_spec(std::string_view lines, std::string pre, size_t tokens_max = SIZE_MAX);

}  // namespace hearth::llm
