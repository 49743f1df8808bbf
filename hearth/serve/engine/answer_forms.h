// The formats of requests as constraints of the sampler, over the vocabulary of one engine.
#pragma once
#include <memory>
#include <mutex>
#include <optional>

#include "hearth/llm/answer_form.h"
#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/schema/constraint_cache.h"

namespace hearth::serve {

/// Any thread.
class AnswerForms {
 public:
  explicit AnswerForms(std::shared_ptr<const llm::Tokenizer> tokenizer);

  /// What holds an answer to `format`, the same for the same format as long as it is remembered;
  /// nothing where the answer is free. Errors: invalid_argument (a grammar or a schema that is
  /// none, saying where), unsupported (what a schema asks for), resource_exhausted (limits of
  /// grammars).
  std::shared_ptr<llm::Constraint> make_constraint(const AnswerFormat& format);

 private:
  std::shared_ptr<const llm::Tokenizer> tokenizer_;
  std::once_flag opened_;
  std::optional<ConstraintCache> cache_;
};

}  // namespace hearth::serve
