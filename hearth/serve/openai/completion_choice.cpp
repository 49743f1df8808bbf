#include "hearth/serve/openai/completion_choice.h"

#include <utility>

#include "hearth/serve/openai/logprobs_json.h"

namespace hearth::serve::openai {

CompletionChoice::CompletionChoice(int index, std::string echo, bool wants_logprobs)
    : index_(index),
      echo_(std::move(echo)),
      wants_logprobs_(wants_logprobs),
      offset_(count_characters(echo_)) {}

Json CompletionChoice::choice(std::string text) const {
  return {{"text", std::move(text)},
          {"index", index_},
          {"logprobs", nullptr},
          {"finish_reason", nullptr}};
}

std::vector<Json> CompletionChoice::begin() {
  if (echo_.empty()) return {};
  return {choice(echo_)};
}

std::vector<Json> CompletionChoice::chunk(const AnswerChunk& chunk) {
  // A plain text has neither thoughts nor calls; should a model part it all the same, its words
  // still belong to it.
  const std::string text = chunk.delta.thinking + chunk.delta.content;
  text_ += text;
  const bool has_logprobs = wants_logprobs_ && !chunk.logprobs.empty();
  if (text.empty() && !has_logprobs) return {};
  Json piece = choice(text);
  if (has_logprobs) {
    tokens_.insert(tokens_.end(), chunk.logprobs.begin(), chunk.logprobs.end());
    piece["logprobs"] = completion_logprobs(chunk.logprobs, offset_);
  }
  return {std::move(piece)};
}

Json CompletionChoice::finish(const AnswerEnd& end) {
  finish_reason_ = end.reason == AnswerReason::length ? "length" : "stop";
  warnings_ = context_warnings(end);
  Json last = choice("");
  last["finish_reason"] = finish_reason_;
  return last;
}

Json CompletionChoice::whole() const {
  Json all = choice(echo_ + text_);
  size_t offset = count_characters(echo_);
  if (wants_logprobs_) all["logprobs"] = completion_logprobs(tokens_, offset);
  all["finish_reason"] = finish_reason_;
  return all;
}

}  // namespace hearth::serve::openai
