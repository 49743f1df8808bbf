// Pre-tokenisers by name (`tokenizer.ggml.pre`): how text is cut into the words inside which BPE
// merges.
//
// Names and their expressions: llama.cpp src/llama-vocab.cpp; where that approximates an expression
// because std::regex cannot express it, the expression of the model's own tokenizer.json is used
// instead.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "hearth/llm/tokenizer/splitters.h"

namespace hearth::llm {

/// What else a name decides, as bits.
enum PreTokenizerFlags : uint8_t {
  kIgnoresMerges = 1,  // a word that is a token is taken as it stands
  kAddsBos = 2,        // unless the file says otherwise
  /// Merges work on characters, with U+2581 for spaces and <0xNN> for missing bytes, not on the
  /// GPT-2 byte alphabet.
  kIsRaw = 4,
  kNoDefaultBos = 8,  // no BOS unless the file names one
};

struct PreTokenizer {
  std::string_view name;
  std::array<Splitter, 6> stages;  // applied one after the other; the rest are null
  uint8_t flags = 0;               // PreTokenizerFlags

  bool has(PreTokenizerFlags flag) const { return (flags & flag) != 0; }
};

/// The row for `name`; nullptr for a name Hearth does not know. An empty name is "default".
const PreTokenizer* find_pre_tokenizer(std::string_view name);
/// All names.
std::span<const PreTokenizer> pre_tokenizers();

/// Calls `word` with each word of `text` in order. The words are not empty and concatenate to
/// `text`.
template <class Word>
void for_each_word(std::span<const Splitter> stages, std::string_view text, const Word& word) {
  SplitMemory memory;
  while (!text.empty()) {
    const size_t size = stages.front()(text, memory);
    if (stages.size() == 1 || stages[1] == nullptr)
      word(text.substr(0, size));
    else
      for_each_word(stages.subspan(1), text.substr(0, size), word);
    text.remove_prefix(size);
  }
}

}  // namespace hearth::llm
