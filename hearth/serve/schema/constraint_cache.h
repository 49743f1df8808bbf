// The forms of answers that were asked for lately, ready to be followed again.
#pragma once
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "hearth/llm/grammar/matcher.h"
#include "hearth/serve/schema/json_schema.h"

namespace hearth::serve {

struct ConstraintCacheLimits {
  size_t constraints_max = 32;  // the least lately used one makes room
  SchemaLimits schema = {};
  /// Of each constraint; rules may nest 256 deep: about 80 objects or arrays, deeper ones are not
  /// opened.
  llm::ConstraintLimits constraint = {.automaton = {.depth_max = 256}, .memory_bytes = 16 << 20};
};

/// One for each engine, since a constraint belongs to one vocabulary and is used by one thread. Its
/// functions may be called from any thread.
class ConstraintCache {
 public:
  explicit ConstraintCache(std::shared_ptr<const llm::TokenTrie> trie,
                           ConstraintCacheLimits limits = {});

  /// Any JSON object or array.
  std::shared_ptr<llm::Constraint> json();
  /// The texts that a JSON Schema accepts. Errors: those of grammar_of_schema.
  std::shared_ptr<llm::Constraint> schema(std::string_view text);
  /// The texts of a grammar in GBNF. Errors: those of llm::parse_gbnf.
  std::shared_ptr<llm::Constraint> gbnf(std::string_view text);

  size_t size() const;

 private:
  enum class Kind { json, schema, gbnf };
  struct Entry {
    Kind kind;
    std::string text;
    std::shared_ptr<llm::Constraint> constraint;
  };
  std::shared_ptr<llm::Constraint> find(Kind kind, std::string_view text);
  std::shared_ptr<llm::Constraint> find_or_make(Kind kind, std::string_view text);
  llm::Grammar make_grammar(Kind kind, std::string_view text) const;

  std::shared_ptr<const llm::TokenTrie> trie_;
  ConstraintCacheLimits limits_;
  mutable std::mutex mutex_;  // guards what follows
  std::list<Entry> entries_;  // the last used one first
};

}  // namespace hearth::serve
