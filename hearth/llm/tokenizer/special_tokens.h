// Special tokens inside text: where "<|im_end|>" stands, before anything else looks at the text.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "hearth/llm/tokenizer/vocabulary.h"

namespace hearth::llm {

/// A stretch of text, or a token that stood between two.
struct TextFragment {
  std::string_view text;  // empty for a token
  int32_t token = -1;     // -1 for text
};

class SpecialTokens {
 public:
  /// Searches for user-defined tokens, and where asked for control and unknown ones. Errors:
  /// resource_exhausted for one of more than 512 bytes, since each place of a text may have to be
  /// compared with all of it.
  explicit SpecialTokens(const Vocabulary& vocabulary);

  /// Cuts `text` at special tokens. A longer token goes before a shorter one wherever they stand,
  /// and of two equally long ones the left. Fragments of text are not empty and point into `text`.
  ///   fences  ascending; no token covers the byte before one of these offsets
  std::vector<TextFragment> split(std::string_view text, bool parse_special,
                                  std::span<const size_t> fences = {}) const;

 private:
  struct State {
    uint32_t child = 0, sibling = 0;  // 0: none; a vocabulary of special tokens alone must not cost
                                      // much more than its text
    int32_t token = -1;
    uint8_t byte = 0;
  };
  struct Match {
    size_t begin, end;          // of the token
    size_t cut_begin, cut_end;  // with the white space that the token eats
    int32_t token;
  };
  struct Cover;
  struct Candidates;

  void insert(std::string_view spelling, int32_t id);
  /// The state after `byte`; 0, the root, for none.
  uint32_t next(uint32_t state, uint8_t byte) const;
  // What is searched, and what may be found in it.
  struct Search {
    std::string_view text;
    bool parse_special;
    std::span<const size_t> fences;
  };
  /// Whether `token`, spelled in text[at, at + size), counts there.
  bool counts(const Search& search, size_t at, size_t size, int32_t token) const;
  Candidates find_candidates(const Search& search) const;
  int32_t token_at(std::string_view text, size_t at, size_t size) const;
  Match cut(std::string_view text, const Cover& cover, size_t at, size_t size, int32_t token) const;
  std::vector<Match> choose(const Search& search, Candidates candidates) const;

  const Vocabulary* vocabulary_;
  std::vector<State> states_;
  bool starts_[256] = {};  // bytes that some special token starts with
  bool has_user_defined_ = false;
};

}  // namespace hearth::llm
