// Parts an answer's bytes into text, thoughts and calls.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "hearth/base/rng.h"
#include "hearth/serve/output/answer.h"
#include "hearth/serve/output/call_body.h"

namespace hearth::serve {

struct AnswerLimits {
  size_t call_bytes_max = 1 << 20;  // text of one call, tags included
  int calls_max = 128;              // of one answer
  JsonLimits json;
};

/// One way of parting; pushed byte by byte, so that where a text is cut changes nothing.
class AnswerReader {
 public:
  virtual ~AnswerReader() = default;
  /// Errors: resource_exhausted, naming the limit.
  virtual void push(char byte, DeltaList& out) = 0;
  /// The answer has ended: what was held back comes out.
  virtual void finish(DeltaList& out) = 0;
};

/// Gives finished calls their ids and counts them.
class CallCounter {
 public:
  /// `id_bytes` letters and digits behind `id_prefix`; equal seeds give equal ids.
  CallCounter(int calls_max, uint64_t seed, std::string_view id_prefix, int id_bytes)
      : calls_max_(calls_max), rng_(seed), id_prefix_(id_prefix), id_bytes_(id_bytes) {}
  /// Errors: resource_exhausted past calls_max.
  void add(std::vector<ToolCall> calls, DeltaList& out);

 private:
  int calls_max_;
  int calls_ = 0;
  Rng rng_;
  std::string id_prefix_;
  int id_bytes_;
};

/// Content and calls of every style but harmony.
class CallReader : public AnswerReader {
 public:
  CallReader(CallStyle style, const CallContext& context, const AnswerLimits& limits,
             CallCounter& counter);
  void push(char byte, DeltaList& out) override;
  void finish(DeltaList& out) override;
  /// A tag has just gone by, with which the white space that follows it goes too.
  void enter_after_tag() { is_after_tag_ = true; }

 private:
  void push_text(char byte, DeltaList& out);
  void push_body(char byte, DeltaList& out);
  void open(size_t opener, DeltaList& out);
  void close(DeltaList& out);
  void give_back(DeltaList& out);
  void refuse(Progress why) const;
  void add_content(std::string_view text, DeltaList& out);

  const std::vector<Opener>& openers_;
  const CallContext& context_;
  const AnswerLimits& limits_;
  CallCounter& counter_;
  TagWatch watch_;
  const Opener* opener_ = nullptr;  // of the call that is being read
  std::unique_ptr<CallBody> body_;
  std::string pending_;  // the text of that call, should it turn out to be none
  bool is_after_tag_ = false;
  bool has_content_ = false;
};

/// <think>…</think> before content and calls. White space on both sides of a tag belongs to it.
class ThinkReader : public AnswerReader {
 public:
  /// `is_open`: the prompt has opened the thoughts.
  ThinkReader(bool is_open, std::unique_ptr<CallReader> rest);
  void push(char byte, DeltaList& out) override;
  void finish(DeltaList& out) override;

 private:
  enum class State { before, thinking, rest };
  void push_before(char byte, DeltaList& out);
  void push_thinking(char byte, DeltaList& out);
  void add_thinking(std::string_view text, DeltaList& out);

  State state_;
  TagWatch open_;
  TagWatch close_;
  bool has_thoughts_ = false;
  std::unique_ptr<CallReader> rest_;
};

}  // namespace hearth::serve
