// Holds an answer to a grammar while it is generated.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "hearth/llm/grammar/automaton.h"
#include "hearth/llm/grammar/token_masks.h"
#include "hearth/llm/grammar/token_trie.h"

namespace hearth::llm {

struct ConstraintLimits {
  AutomatonLimits automaton = {};
  /// What is remembered beyond this, states and masks together, is forgotten and found again when
  /// it is needed.
  size_t memory_bytes = 64 << 20;
};

/// A grammar over a vocabulary and what its matchers have learnt about the two. Make one for each
/// pair and keep it: answers that follow the same grammar find its masks ready. Not for several
/// threads at once, nor are its matchers.
class Constraint {
 public:
  Constraint(std::shared_ptr<const Grammar> grammar, std::shared_ptr<const TokenTrie> trie,
             ConstraintLimits limits = {});

  size_t memory_bytes() const {
    return memory_->automaton.memory_bytes() + memory_->masks.memory_bytes();
  }
  size_t vocab_size() const { return trie_->vocab_size(); }
  /// Number of times that everything was forgotten.
  size_t renewals() const { return renewals_; }

 private:
  friend class Matcher;
  struct Memory {
    Automaton automaton;
    TokenMasks masks;
  };
  std::shared_ptr<Memory> make_memory() const;
  bool is_full() const;

  std::shared_ptr<const Grammar> grammar_;
  std::shared_ptr<const TokenTrie> trie_;
  ConstraintLimits limits_;
  std::shared_ptr<Memory> memory_;  // matchers of before a renewal hold the one they know
  size_t renewals_ = 0;
};

/// One for each sequence. A copy goes its own way from where the original stands, and costs two
/// pointers.
class Matcher {
 public:
  explicit Matcher(std::shared_ptr<Constraint> constraint);

  /// Appends `bytes` to the text, characters may be cut anywhere. False, and nothing happens, when
  /// no text of the language begins so. Errors: resource_exhausted.
  bool accept(std::string_view bytes);
  /// The same with a token's piece. A token that ends a generation is accepted where the text is
  /// complete and changes nothing; one without text never is. `id` in [0, vocab_size).
  bool accept_token(int32_t id);
  /// The text is in the language as it stands; more may still follow.
  bool is_complete() const { return memory_->automaton.is_complete(state_); }
  /// The same, and nothing can follow but the end.
  bool is_final() const { return memory_->automaton.is_final(state_); }
  /// The tokens that accept_token would take. Valid until this matcher's next accept. Errors:
  /// unsupported when there is none; resource_exhausted.
  TokenMask allowed();

 private:
  void move_to_new_memory();

  std::shared_ptr<Constraint> constraint_;
  std::shared_ptr<Constraint::Memory> memory_;
  Automaton::State state_;  // of memory_->automaton
};

}  // namespace hearth::llm
