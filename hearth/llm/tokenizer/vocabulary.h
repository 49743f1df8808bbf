// The tokens of a model: spellings, kinds, and which of them mean something special.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/llm/tokenizer/token_table.h"

namespace hearth::formats {
class Gguf;
}

namespace hearth::llm {

enum class TokenKind : uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6
};

/// `tokenizer.ggml.*` of a file as it stands there, unchecked. The spans point into the file's
/// metadata.
struct TokenizerSpec {
  std::string model;  // llama, gpt2, bert, gemma4
  std::string pre;    // BPE's pre-tokeniser
  std::span<const std::string> tokens;
  std::span<const std::string> merges;  // "left right", best first
  std::vector<float> scores;            // empty: all 0
  std::vector<int64_t> kinds;           // TokenKind; empty: all normal

  // Ids as the file gives them; one outside the vocabulary counts as absent.
  std::optional<uint64_t> bos, eos, eot, eom, unk, sep, fim_pad, fim_rep, fim_sep;
  std::optional<bool> add_bos, add_eos, add_space_prefix;
  std::optional<bool> lowercase, strip_accents;  // WPM's normaliser
  std::string model_name, architecture;          // general.name and general.architecture
};

/// Reads a file's tokenizer. Errors: corrupt_data naming the key.
TokenizerSpec read_tokenizer_spec(const formats::Gguf& file);

/// What holds for a kind of tokenizer unless the file says otherwise.
struct TokenizerDefaults {
  bool add_bos = false;
  bool add_space_prefix = false;
  std::optional<int32_t> bos, eos, unk, sep;
};

/// Immutable after construction.
class Vocabulary {
 public:
  /// Errors: corrupt_data (no tokens, arrays shorter than the tokens, a score that is not a number,
  /// a BOS or EOS that is asked for and missing).
  Vocabulary(const TokenizerSpec& spec, const TokenizerDefaults& defaults);

  int size() const { return static_cast<int>(spellings_.size()); }
  const std::string& spelling(int32_t id) const { return spellings_[id]; }
  TokenKind kind(int32_t id) const { return kinds_[id]; }
  float score(int32_t id) const { return scores_.empty() ? 0.0f : scores_[id]; }
  /// The id spelled so, the lowest of several; -1 when absent.
  int32_t find(std::string_view spelling) const { return index_.find(spelling); }
  size_t longest_bytes() const { return index_.longest_bytes(); }
  size_t spelled_bytes() const { return index_.total_bytes(); }

  std::optional<int32_t> bos, eos, unk, sep;
  bool adds_bos = false, adds_eos = false, adds_space_prefix = false;

  bool is_end_of_generation(int32_t id) const { return ends_generation_[id]; }
  /// Whether white space before (after) the token is part of it where text is searched for special
  /// tokens.
  bool strips_left(int32_t id) const { return has_flag(strips_left_, id); }
  bool strips_right(int32_t id) const { return has_flag(strips_right_, id); }

 private:
  static bool has_flag(const std::vector<bool>& flags, int32_t id) {
    return !flags.empty() && flags[id];
  }
  void read_kinds(const TokenizerSpec& spec);
  void choose_special_ids(const TokenizerSpec& spec, const TokenizerDefaults& defaults);
  void find_ends_of_generation(const TokenizerSpec& spec);
  void mark_end(std::optional<int32_t> id);
  void take_back_wrong_ends();
  void find_strips(const TokenizerSpec& spec);
  std::optional<int32_t> inside(std::optional<uint64_t> id) const;
  std::optional<int32_t> lowest_of(std::span<const std::string_view> spellings) const;

  std::vector<std::string> spellings_;
  TokenTable index_;
  std::vector<TokenKind> kinds_;
  std::vector<float> scores_;
  std::vector<bool> ends_generation_, strips_left_, strips_right_;
};

}  // namespace hearth::llm
