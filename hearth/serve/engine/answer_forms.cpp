#include "hearth/serve/engine/answer_forms.h"

#include <utility>

#include "hearth/llm/grammar/token_trie.h"

namespace hearth::serve {

AnswerForms::AnswerForms(std::shared_ptr<const llm::Tokenizer> tokenizer)
    : tokenizer_(std::move(tokenizer)) {}

std::shared_ptr<llm::Constraint> AnswerForms::make_constraint(const AnswerFormat& format) {
  if (format.kind == AnswerFormat::Kind::free) return nullptr;
  // Made when it is first needed: the tree of 100,000 tokens takes 60 ms, and most engines are
  // never asked for a form.
  std::call_once(opened_,
                 [&] { cache_.emplace(std::make_shared<const llm::TokenTrie>(*tokenizer_)); });
  switch (format.kind) {
    case AnswerFormat::Kind::json:
      return cache_->json();
    case AnswerFormat::Kind::schema:
      return cache_->schema(format.text);
    default:
      return cache_->gbnf(format.text);
  }
}

}  // namespace hearth::serve
