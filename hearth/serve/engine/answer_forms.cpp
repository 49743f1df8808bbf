#include "hearth/serve/engine/answer_forms.h"

#include <algorithm>
#include <string>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/llm/grammar/gbnf.h"
#include "hearth/llm/grammar/json_gbnf.h"

namespace hearth::serve {
namespace {

bool is_same(const AnswerFormat& a, const AnswerFormat& b) {
  return a.kind == b.kind && a.text == b.text;
}

// A second rule of the same name is refused, so the root of JSON gets another one: clients that ask
// for "json" mean an object.
llm::Grammar json_object() {
  std::string rules(llm::kJsonGbnf);
  const size_t root = rules.find("ws value ws");
  HEARTH_CHECK(root != std::string::npos);
  return llm::parse_gbnf(rules.replace(root, std::string_view("ws value ws").size(), "object"));
}

llm::Grammar grammar_of(const AnswerFormat& format) {
  switch (format.kind) {
    case AnswerFormat::Kind::json:
      return json_object();
    case AnswerFormat::Kind::grammar:
      return llm::parse_gbnf(format.text);
    default:
      throw Error(Errc::unsupported, "format: JSON Schema cannot be enforced");
  }
}

}  // namespace

std::shared_ptr<llm::Constraint> make_constraint(const AnswerFormat& format,
                                                 std::shared_ptr<const llm::TokenTrie> vocabulary) {
  if (format.kind == AnswerFormat::Kind::free) return nullptr;
  return std::make_shared<llm::Constraint>(std::make_shared<const llm::Grammar>(grammar_of(format)),
                                           std::move(vocabulary));
}

AnswerForms::AnswerForms(const llm::Tokenizer& tokenizer)
    : vocabulary_(std::make_shared<const llm::TokenTrie>(tokenizer)) {}

std::shared_ptr<llm::Constraint> AnswerForms::find_or_make(const AnswerFormat& format) {
  if (format.kind == AnswerFormat::Kind::free) return nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(known_.begin(), known_.end(), [&](const Known& known) {
      return is_same(known.format, format);
    });
    if (found != known_.end()) {
      known_.splice(known_.begin(), known_, found);
      return found->constraint;
    }
  }
  // Compiled outside the lock: a hard schema must not hold up the others. Two that compile the same
  // at once both get one that works.
  std::shared_ptr<llm::Constraint> made = make_constraint(format, vocabulary_);
  const std::lock_guard lock(mutex_);
  known_.push_front({format, made});
  if (known_.size() > kFormsKept) known_.pop_back();
  return made;
}

}  // namespace hearth::serve
