#include "hearth/serve/schema/constraint_cache.h"

#include <algorithm>

#include "hearth/llm/grammar/gbnf.h"

namespace hearth::serve {

ConstraintCache::ConstraintCache(std::shared_ptr<const llm::TokenTrie> trie,
                                 ConstraintCacheLimits limits)
    : trie_(std::move(trie)), limits_(limits) {}

std::shared_ptr<llm::Constraint> ConstraintCache::json() { return find_or_make(Kind::json, ""); }

std::shared_ptr<llm::Constraint> ConstraintCache::schema(std::string_view text) {
  return find_or_make(Kind::schema, text);
}

std::shared_ptr<llm::Constraint> ConstraintCache::gbnf(std::string_view text) {
  return find_or_make(Kind::gbnf, text);
}

size_t ConstraintCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

llm::Grammar ConstraintCache::make_grammar(Kind kind, std::string_view text) const {
  if (kind == Kind::json) return json_grammar();
  if (kind == Kind::schema) return grammar_of_schema(text, limits_.schema);
  return llm::parse_gbnf(text);
}

// The caller holds the mutex.
std::shared_ptr<llm::Constraint> ConstraintCache::find(Kind kind, std::string_view text) {
  const auto at = std::find_if(entries_.begin(), entries_.end(),
                               [&](const Entry& e) { return e.kind == kind && e.text == text; });
  if (at == entries_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, at);
  return at->constraint;
}

std::shared_ptr<llm::Constraint> ConstraintCache::find_or_make(Kind kind, std::string_view text) {
  {
    const std::lock_guard lock(mutex_);
    if (auto known = find(kind, text)) return known;
  }
  // Not under the mutex: a large schema must not stop the answers that need a known one.
  auto made = std::make_shared<llm::Constraint>(
      std::make_shared<llm::Grammar>(make_grammar(kind, text)), trie_, limits_.constraint);
  const std::lock_guard lock(mutex_);
  if (auto known = find(kind, text)) return known;
  entries_.push_front({kind, std::string(text), made});
  if (entries_.size() > limits_.constraints_max) entries_.pop_back();
  return made;
}

}  // namespace hearth::serve
