// The forms that answers of one engine must keep, compiled once each.
#pragma once
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "hearth/llm/answer_form.h"
#include "hearth/serve/engine/answer_request.h"

namespace hearth::serve {

/// Compiled forms that are kept for the next request with the same; each may hold 64 MiB of masks.
inline constexpr size_t kFormsKept = 16;

/// What holds an answer of this vocabulary to `format`; nothing where it is free. Errors:
/// invalid_argument (a grammar or a schema that is none, saying where), unsupported (what a schema
/// asks for), resource_exhausted (limits of grammars).
std::shared_ptr<llm::Constraint> make_constraint(const AnswerFormat& format,
                                                 std::shared_ptr<const llm::TokenTrie> vocabulary);

/// Any thread.
class AnswerForms {
 public:
  explicit AnswerForms(const llm::Tokenizer& tokenizer);
  /// As make_constraint(), the same for the same format as long as it is remembered.
  std::shared_ptr<llm::Constraint> find_or_make(const AnswerFormat& format);

 private:
  struct Known {
    AnswerFormat format;
    std::shared_ptr<llm::Constraint> constraint;
  };
  std::shared_ptr<const llm::TokenTrie> vocabulary_;
  std::mutex mutex_;        // guards what follows
  std::list<Known> known_;  // used last in front
};

}  // namespace hearth::serve
