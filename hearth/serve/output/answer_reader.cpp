#include "hearth/serve/output/answer_reader.h"

#include "hearth/base/error.h"
#include "hearth/serve/output/call_json.h"

namespace hearth::serve {
namespace {

constexpr std::string_view kIdAlphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::vector<Tag> tags_of(const std::vector<Opener>& openers) {
  std::vector<Tag> tags;
  for (const Opener& opener : openers) tags.push_back(opener.tag);
  return tags;
}

}  // namespace

void CallCounter::add(std::vector<ToolCall> calls, DeltaList& out) {
  for (ToolCall& call : calls) {
    if (++calls_ > calls_max_)
      throw Error(Errc::resource_exhausted, "answer: more than {} tool calls", calls_max_);
    if (call.id.empty()) {
      call.id = id_prefix_;
      for (int i = 0; i < id_bytes_; ++i) call.id += kIdAlphabet[rng_.below(kIdAlphabet.size())];
    }
    out.add_call(std::move(call));
  }
}

CallReader::CallReader(CallStyle style, const CallContext& context, const AnswerLimits& limits,
                       CallCounter& counter)
    : openers_(openers_of(style)),
      context_(context),
      limits_(limits),
      counter_(counter),
      watch_(tags_of(openers_)) {}

void CallReader::push(char byte, DeltaList& out) {
  body_ ? push_body(byte, out) : push_text(byte, out);
}

void CallReader::push_text(char byte, DeltaList& out) {
  std::string released;
  const std::optional<size_t> tag = watch_.push(byte, released);
  add_content(released, out);
  if (tag) open(*tag, out);
}

void CallReader::open(size_t opener, DeltaList& out) {
  opener_ = &openers_[opener];
  body_ = opener_->make_body(context_);
  pending_ = watch_.held();
  watch_.clear();
  if (!opener_->is_part_of_body) return;
  const std::string tag(opener_->tag.text);
  pending_.resize(pending_.size() - tag.size());
  for (const char byte : tag) push_body(byte, out);
}

void CallReader::push_body(char byte, DeltaList& out) {
  const Progress progress = body_->push(byte);
  const bool is_too_long = pending_.size() >= limits_.call_bytes_max;
  if (progress == Progress::done && !is_too_long) return close(out);
  if (progress == Progress::more && !is_too_long) {
    pending_ += byte;
    return;
  }
  if (opener_->is_promise) refuse(progress == Progress::more ? Progress::done : progress);
  // No call: its text is content, in which this byte may begin another one.
  give_back(out);
  push_text(byte, out);
}

// Throws where a limit ended the body of a promised call; `done` stands for its size.
void CallReader::refuse(Progress why) const {
  if (why == Progress::too_deep) refuse_past_limit(JsonScanner::Verdict::too_deep, limits_.json);
  if (why == Progress::too_many_values)
    refuse_past_limit(JsonScanner::Verdict::too_many_values, limits_.json);
  if (why == Progress::done)
    throw Error(Errc::resource_exhausted, "tool call: longer than {} bytes",
                limits_.call_bytes_max);
}

void CallReader::close(DeltaList& out) {
  counter_.add(body_->take_calls(), out);
  body_.reset();
  pending_.clear();
  is_after_tag_ = true;
  watch_.enter_after_call();
}

void CallReader::give_back(DeltaList& out) {
  body_.reset();
  watch_.leave_start();
  add_content(std::exchange(pending_, {}), out);
}

void CallReader::add_content(std::string_view text, DeltaList& out) {
  // Between two parts of the content, though, the space stays: the words would run together.
  if (is_after_tag_ && !has_content_) text = trim_space_left(text);
  if (text.empty()) return;
  is_after_tag_ = false;
  has_content_ = true;
  out.add_content(text);
}

void CallReader::finish(DeltaList& out) {
  if (body_ && body_->can_end()) return close(out);
  if (body_) give_back(out);
  const std::string held = watch_.held();
  watch_.clear();
  if (!is_after_tag_ || !trim_space(held).empty()) add_content(held, out);
}

ThinkReader::ThinkReader(bool is_open, std::unique_ptr<CallReader> rest)
    : state_(is_open ? State::thinking : State::before),
      open_({{.text = "<think>", .place = Tag::Place::start}}),
      close_({{.text = "</think>"}}),
      rest_(std::move(rest)) {}

void ThinkReader::push(char byte, DeltaList& out) {
  switch (state_) {
    case State::before:
      return push_before(byte, out);
    case State::thinking:
      return push_thinking(byte, out);
    case State::rest:
      return rest_->push(byte, out);
  }
}

void ThinkReader::push_before(char byte, DeltaList& out) {
  std::string released;
  if (open_.push(byte, released)) {
    state_ = State::thinking;
  } else if (!released.empty()) {
    state_ = State::rest;
    for (const char text : released + open_.held()) rest_->push(text, out);
  }
}

void ThinkReader::push_thinking(char byte, DeltaList& out) {
  std::string released;
  const bool is_closed = close_.push(byte, released).has_value();
  add_thinking(released, out);
  if (!is_closed) return;
  state_ = State::rest;
  rest_->enter_after_tag();
}

void ThinkReader::add_thinking(std::string_view text, DeltaList& out) {
  if (!has_thoughts_) text = trim_space_left(text);
  has_thoughts_ |= !text.empty();
  out.add_thinking(text);
}

void ThinkReader::finish(DeltaList& out) {
  if (state_ == State::before)
    for (const char text : open_.held()) rest_->push(text, out);
  if (state_ == State::thinking) add_thinking(close_.held(), out);
  rest_->finish(out);
}

}  // namespace hearth::serve
