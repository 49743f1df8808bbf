#include "hearth/serve/engine/model_answer.h"

#include <utility>

namespace hearth::serve {
namespace {

AnswerReason reason_of(llm::FinishReason reason) {
  switch (reason) {
    case llm::FinishReason::length:
    case llm::FinishReason::context_full:
      return AnswerReason::length;
    case llm::FinishReason::cancelled:
      return AnswerReason::cancelled;
    default:
      return AnswerReason::stop;
  }
}

}  // namespace

ModelAnswer::ModelAnswer(llm::PieceStream pieces, std::shared_ptr<const llm::Tokenizer> tokenizer,
                         ModelAnswerOptions options)
    : pieces_(std::move(pieces)), tokenizer_(std::move(tokenizer)), options_(std::move(options)) {
  if (!options_.parser) return;
  parser_.emplace(std::move(*options_.parser));
  add(parser_->feed(options_.opening));
}

std::optional<AnswerChunk> ModelAnswer::next() {
  while (ready_.empty() && !has_ended_) read_piece();
  if (ready_.empty() && logprobs_.empty()) return std::nullopt;
  AnswerChunk chunk;
  if (!ready_.empty()) {
    chunk.delta = std::move(ready_.front());
    ready_.pop_front();
  }
  chunk.logprobs = std::exchange(logprobs_, {});
  return chunk;
}

void ModelAnswer::read_piece() {
  std::optional<llm::Piece> piece;
  try {
    piece = pieces_.next();
    if (piece) return take(*piece);
    finish();
  } catch (...) {  // the error is told once; after it the answer is over
    has_ended_ = true;
    pieces_.cancel();
    throw;
  }
}

void ModelAnswer::take(const llm::Piece& piece) {
  if (has_called_) return;  // on its way when the generation was cancelled
  const int32_t id = piece.sample.token;
  if (options_.wants_ids) options_.end.ids.push_back(id);
  if (options_.wants_logprobs && !tokenizer_->is_end_of_generation(id)) {
    TokenLogprobs token = {.chosen = spelled(piece.sample.chosen), .top = {}};
    for (const llm::TokenLogprob& other : piece.sample.top) token.top.push_back(spelled(other));
    logprobs_.push_back(std::move(token));
  }
  if (piece.text.empty()) return;
  if (parser_)
    add(parser_->feed(piece.text));
  else
    ready_.push_back({.content = piece.text, .thinking = {}, .tool_calls = {}});
}

void ModelAnswer::add(std::vector<AnswerDelta> deltas) {
  for (AnswerDelta& delta : deltas) {
    if (has_called_) return;
    if (!options_.allows_parallel && !delta.tool_calls.empty()) {
      delta.tool_calls.resize(1);
      has_called_ = true;
      pieces_.cancel();
    }
    ready_.push_back(std::move(delta));
  }
}

void ModelAnswer::finish() {
  has_ended_ = true;
  const llm::GenerateResult& result = pieces_.result();
  AnswerEnd& end = options_.end;
  end.reason = has_called_ ? AnswerReason::stop : reason_of(result.reason);
  end.stop_string = result.stop_string;
  end.prompt_tokens = result.prompt_tokens;
  end.prompt_tokens_cached = result.prompt_tokens_cached;
  end.generated_tokens = result.generated_tokens;
  end.context_shifts += result.context_shifts;
  end.queue_time = result.queue_time;
  end.prompt_time = result.prompt_time;
  end.decode_time = result.decode_time;
  if (!parser_) return;
  if (end.reason == AnswerReason::stop && end.stop_string.empty())
    add(parser_->feed(options_.closing));
  add(parser_->finish());
}

TokenProbability ModelAnswer::spelled(const llm::TokenLogprob& token) const {
  return {.text = tokenizer_->piece(token.token, true), .logprob = token.logprob};
}

}  // namespace hearth::serve
