// The pieces of a vocabulary as a tree of bytes, laid out for one walk from left to right.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/llm/grammar/text_kinds.h"

namespace hearth::llm {

class Tokenizer;

/// Immutable: one serves all grammars, sequences and threads of a model.
class TokenTrie {
 public:
  /// Ordinary, user-defined and byte tokens by the text they become. Control, unknown and unused
  /// tokens, and those without text, are in no grammar and therefore not in the tree. Tokens after
  /// which a generation ends are kept apart.
  explicit TokenTrie(const Tokenizer& tokenizer);
  /// The same from pieces, index = id. Empty pieces are tokens without text.
  TokenTrie(std::span<const std::string> pieces, std::span<const int32_t> end_ids);

  /// A byte of pieces that agree up to it.
  struct Branch {
    uint32_t past;      // index of the first branch that does not continue this one
    uint32_t ids_past;  // ids() up to here belong to this branch and those before it
    uint16_t depth;     // 1 for the first byte of a piece
    uint8_t byte;
  };
  /// What continues a branch.
  struct Below {
    TextKinds kinds = 0;     // of all characters; kBrokenKind where the branch ends inside one
    uint16_t bytes_max = 0;  // of the longest continuation
  };
  /// Depth first, bytes ascending: a branch is followed by what continues it.
  std::span<const Branch> branches() const { return branches_; }
  /// [branches]
  std::span<const Below> below() const { return below_; }
  /// Ids of the tokens, by the branch where their pieces end.
  std::span<const int32_t> ids() const { return ids_; }
  std::span<const int32_t> end_ids() const { return end_ids_; }
  std::string_view piece(int32_t id) const {
    return std::string_view(bytes_).substr(piece_begins_[id],
                                           piece_begins_[id + 1] - piece_begins_[id]);
  }
  size_t vocab_size() const { return piece_begins_.size() - 1; }
  /// Length of the longest piece.
  size_t depth_max() const { return depth_max_; }
  bool is_end(int32_t id) const;

 private:
  void add_pieces(std::span<const std::string> pieces);
  void add_branches(size_t ids_index, size_t shared_bytes, std::vector<uint32_t>& open);
  void note_below(std::string_view text, std::span<const uint32_t> open);

  std::vector<Branch> branches_;
  std::vector<Below> below_;
  std::vector<int32_t> ids_;
  std::vector<int32_t> end_ids_;        // ascending
  std::string bytes_;                   // all pieces, by id
  std::vector<uint32_t> piece_begins_;  // [vocab_size + 1]
  size_t depth_max_ = 0;
};

}  // namespace hearth::llm
