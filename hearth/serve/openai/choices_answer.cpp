#include "hearth/serve/openai/choices_answer.h"

#include <utility>

#include "hearth/serve/openai/usage_json.h"

namespace hearth::serve::openai {

/// What the engine's answer to one choice is told to.
class ChoicesAnswer::Writer : public AnswerWriter {
 public:
  Writer(std::shared_ptr<ChoicesAnswer> answer, size_t index)
      : answer_(std::move(answer)), index_(index) {}
  void begin(const std::string& model) override { answer_->begin(index_, model); }
  bool chunk(const AnswerChunk& chunk) override { return answer_->chunk(index_, chunk); }
  void end(const AnswerEnd& end, const AnswerTimes&) override { answer_->end(index_, end); }
  void fail(const Error& error) override { answer_->fail(error); }

 private:
  std::shared_ptr<ChoicesAnswer> answer_;
  size_t index_;
};

ChoicesAnswer::ChoicesAnswer(AnswerForm form, std::vector<std::unique_ptr<Choice>> choices,
                             Reply reply, std::stop_token closed)
    : form_(std::move(form)),
      choices_(std::move(choices)),
      link_(std::move(closed),
            // The copy on the stack outlives this object, which may go when the last choice is
            // given up, in the middle of request_stop().
            [stop = stop_] { std::stop_source(stop).request_stop(); }),
      reply_(std::move(reply)) {}

void ChoicesAnswer::submit(ModelService& models, const ModelCall& call,
                           std::vector<AnswerRequest> requests,
                           std::shared_ptr<ChoicesAnswer> answer) {
  for (size_t i = 0; i < requests.size(); ++i) {
    ModelCall own = call;
    own.closed = answer->stop_.get_token();
    submit_answer(models, std::move(own), std::move(requests[i]),
                  std::make_shared<Writer>(answer, i));
  }
}

Json ChoicesAnswer::object(const std::string& kind) const {
  return {{"id", form_.id},
          {"object", kind},
          {"created", form_.created},
          {"model", model_},
          {"system_fingerprint", "fp_hearth"},
          {"choices", Json::array()}};
}

bool ChoicesAnswer::send_choice(Json choice, const std::vector<std::string>& warnings) {
  Json chunk = object(form_.chunk_object);
  chunk["choices"].push_back(std::move(choice));
  if (form_.includes_usage) chunk["usage"] = nullptr;
  if (!warnings.empty()) chunk["warnings"] = warnings;
  return reply_.event(chunk);
}

void ChoicesAnswer::begin(size_t index, const std::string& model) {
  const std::lock_guard lock(mutex_);
  model_ = model;
  if (is_over_ || !form_.is_streamed) return;
  for (Json& choice : choices_[index]->begin()) send_choice(std::move(choice));
}

bool ChoicesAnswer::chunk(size_t index, const AnswerChunk& chunk) {
  const std::lock_guard lock(mutex_);
  std::vector<Json> pieces = choices_[index]->chunk(chunk);
  if (is_over_ || !form_.is_streamed) return !is_over_;
  for (Json& piece : pieces)
    if (!send_choice(std::move(piece))) return false;
  return true;
}

void ChoicesAnswer::end(size_t index, const AnswerEnd& end) {
  const std::lock_guard lock(mutex_);
  if (is_over_) return;
  Json last = choices_[index]->finish(end);
  count(index, end);
  is_over_ = ++ended_ == choices_.size();
  if (form_.is_streamed) send_choice(std::move(last), choices_[index]->warnings());
  if (!is_over_) return;
  form_.is_streamed ? send_end() : send_whole();
}

void ChoicesAnswer::fail(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_over_, true)) return;
    reply_.fail(error);
  }
  // Outside the lock: the others end on this thread or want the lock to end on theirs.
  stop_.request_stop();
}

void ChoicesAnswer::count(size_t index, const AnswerEnd& end) {
  if (index % form_.choices_per_prompt == 0) {
    prompt_tokens_ += end.prompt_tokens;
    cached_tokens_ += end.prompt_tokens_cached;
  }
  generated_tokens_ += end.generated_tokens;
  thinking_tokens_ += choices_[index]->thinking_tokens();
  last_end_ = end;
}

Json ChoicesAnswer::usage() const {
  return usage_json({.prompt_tokens = prompt_tokens_,
                     .cached_tokens = cached_tokens_,
                     .generated_tokens = generated_tokens_,
                     .thinking_tokens = thinking_tokens_});
}

std::optional<Json> ChoicesAnswer::timings() const {
  // Rates of answers that ran side by side would say nothing of either.
  if (choices_.size() > 1) return std::nullopt;
  return timings_json(last_end_);
}

void ChoicesAnswer::send_whole() {
  Json whole = object(form_.whole_object);
  std::vector<std::string> warnings;
  for (const auto& choice : choices_) {
    whole["choices"].push_back(choice->whole());
    for (std::string& sentence : choice->warnings()) warnings.push_back(std::move(sentence));
  }
  whole["usage"] = usage();
  if (auto times = timings()) whole["timings"] = *std::move(times);
  if (!warnings.empty()) whole["warnings"] = warnings;
  reply_.send(whole);
}

void ChoicesAnswer::send_end() {
  if (form_.includes_usage) {
    Json chunk = object(form_.chunk_object);
    chunk["usage"] = usage();
    if (auto times = timings()) chunk["timings"] = *std::move(times);
    reply_.event(chunk);
  }
  reply_.send_done();
  reply_.finish();
}

}  // namespace hearth::serve::openai
