// A vocabulary as GGUF carries it, filled from the files of a model folder.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/store/sentencepiece_model.h"

namespace hearth::store {

struct VocabularyTables {
  std::string model;                // "gpt2", "llama" or "bert"
  std::string pre;                  // name of the pre-tokeniser
  std::vector<std::string> tokens;  // by id
  std::vector<float> scores;        // by id; of "llama" only
  std::vector<PieceKind> kinds;     // by id
  std::vector<std::string> merges;  // "a b", best first; of "gpt2" only
  std::optional<bool> add_space_prefix;
  std::optional<bool> lowercase, strip_accents;  // what "bert" does to a text first
  std::vector<std::string> notes;                // what was left out, for the user

  /// An empty vocabulary of `size` unused tokens, "[PAD0]" and so on.
  static VocabularyTables unused(uint64_t size);
  void put(uint64_t id, std::string token, PieceKind kind, float score = 0);
  /// The id of the token spelled so.
  std::optional<uint32_t> find(std::string_view token) const;
};

struct TokenizerFiles;

/// Reads tokenizer.json or tokenizer.model (its scores are used where both are there), or BERT's
/// vocab.txt where neither is there, and the tokens added beside them; ids that no file names stay
/// unused, up to `vocab_size`. Errors: as tokenizer_keys().
VocabularyTables read_vocabulary(const TokenizerFiles& folder, uint64_t vocab_size);

}  // namespace hearth::store
