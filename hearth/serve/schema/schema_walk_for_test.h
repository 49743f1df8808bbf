// For tests: answers of a model that likes every token equally, and ends in the shortest way.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/rng.h"
#include "hearth/llm/grammar/matcher.h"

namespace hearth::serve {

/// Pieces by id; the last one ends an answer.
using Pieces = std::vector<std::string>;

/// Every byte, and some pieces that JSON is often cut into.
Pieces small_vocabulary();
/// Every byte, and random pieces of up to 10 characters, `size` together.
Pieces large_vocabulary(size_t size);

std::shared_ptr<llm::TokenTrie> trie_of(const Pieces& pieces);

/// A grammar over a vocabulary.
struct Form {
  Form(llm::Grammar grammar_in, std::shared_ptr<llm::TokenTrie> trie);

  std::shared_ptr<const llm::Grammar> grammar;
  std::shared_ptr<llm::Constraint> constraint;
};

struct Walk {
  std::string text;
  bool has_ended = false;  // and every token of it was in its mask
};

/// Takes `tokens` allowed tokens at random, and then the fewest bytes that complete the text.
Walk random_walk(const Form& form, const Pieces& pieces, Rng& rng, int tokens);

/// True when `text` is in the constraint's language.
bool accepts(const std::shared_ptr<llm::Constraint>& constraint, std::string_view text);

}  // namespace hearth::serve
