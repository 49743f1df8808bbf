#include "hearth/llm/answer_form.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "hearth/base/error.h"

namespace hearth::llm {

void check_form(const AnswerForm& form, int vocab_size, bool ignores_end) {
  if (form.constraint->vocab_size() < static_cast<size_t>(vocab_size))
    throw Error(Errc::invalid_argument, "form: made for {} tokens, the model has {}",
                form.constraint->vocab_size(), vocab_size);
  if (ignores_end)
    throw Error(Errc::invalid_argument, "form: an answer with a form cannot ignore its end");
}

FormGuard::FormGuard(AnswerForm form, const Tokenizer& tokenizer, int vocab_size)
    : form_(std::move(form)), tokenizer_(&tokenizer) {
  if (form_.begins_after.empty() || form_.may_stay_free) return;
  before_.assign((static_cast<size_t>(vocab_size) + 63) / 64, ~uint64_t{0});
  for (int32_t id = 0; id < vocab_size; ++id)
    if (tokenizer.is_end_of_generation(id)) before_[id / 64] &= ~(uint64_t{1} << (id % 64));
}

// Not in the constructor: the constraint belongs to the thread that samples.
void FormGuard::begin() { matcher_.emplace(form_.constraint); }

TokenMask FormGuard::allowed() {
  if (!matcher_ && form_.begins_after.empty()) begin();
  return matcher_ ? matcher_->allowed() : TokenMask(before_);
}

void FormGuard::accept(int32_t id) {
  if (!matcher_) return read_free_text(id);
  // The mask held it back, unless all that it allowed is banned or not-a-number.
  if (!matcher_->accept_token(id))
    throw Error(Errc::unsupported,
                "form: none of the tokens that may come next has a probability above 0");
}

void FormGuard::read_free_text(int32_t id) {
  tail_ += tokenizer_->piece(id, /*show_special=*/true);
  const std::string& mark = form_.begins_after;
  const size_t at = tail_.find(mark);
  if (at == std::string::npos) {
    tail_.erase(0, tail_.size() - std::min(tail_.size(), mark.size() - 1));
    return;
  }
  const size_t first = std::min(tail_.find_first_not_of(" \t\r\n", at + mark.size()), tail_.size());
  const std::string_view rest = std::string_view(tail_).substr(first);
  begin();
  if (!matcher_->accept(rest))
    throw Error(Errc::unsupported, "form: '{}' came in one token with '{}', which it refuses", mark,
                rest);
}

}  // namespace hearth::llm
