// The form that an answer must keep, and where in the answer it begins.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hearth/llm/grammar/matcher.h"
#include "hearth/llm/tokenizer/tokenizer.h"

namespace hearth::llm {

/// The answer is a text of the constraint's grammar, and its end token comes only where that text
/// is complete. Where nothing more can follow, the answer ends without an end token.
///
/// White space that the token with the end of `begins_after` brings along is not part of the form.
struct AnswerForm {
  /// Nothing: the answer is free. Made over the model's own vocabulary, shared by all answers of
  /// one engine that keep this form and by no other engine: only the engine's thread uses it.
  std::shared_ptr<Constraint> constraint;
  /// The answer is free up to and including this text ("</think>"), control tokens read by their
  /// names. Empty: the form holds from the first token on.
  std::string begins_after;
  /// The answer may also end without `begins_after` (a tool call that the model need not make).
  /// Otherwise it cannot end before the form is kept.
  bool may_stay_free = false;
};

/// Errors: invalid_argument (a constraint over less than `vocab_size` tokens; `ignores_end`).
void check_form(const AnswerForm& form, int vocab_size, bool ignores_end);

/// Holds one answer to its form. Made in any thread; after that the constraint's rules hold.
class FormGuard {
 public:
  /// `form` has a constraint. `vocab_size`: ids that are sampled, at most the tokenizer's.
  FormGuard(AnswerForm form, const Tokenizer& tokenizer, int vocab_size);

  /// The ids that may come next; empty: all. Valid until the next accept(). Errors: unsupported
  /// (the vocabulary has no token for what must follow), resource_exhausted (grammar limits).
  TokenMask allowed();
  /// Takes the next id. Errors: unsupported (the form refuses it: the sampler was left no other),
  /// resource_exhausted.
  void accept(int32_t id);
  /// The form is kept and nothing can follow.
  bool is_finished() const { return matcher_ && matcher_->is_final(); }

 private:
  void begin();
  void read_free_text(int32_t id);

  AnswerForm form_;
  const Tokenizer* tokenizer_;
  std::vector<uint64_t> before_;    // all but the end tokens; empty where those are allowed too
  std::string tail_;                // of the free text: may become begins_after
  std::optional<Matcher> matcher_;  // from begins_after on
};

}  // namespace hearth::llm
