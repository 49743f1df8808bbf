// A model's answer while it streams: text in pieces of any cut, and what it means so far.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/serve/output/answer.h"
#include "hearth/serve/output/answer_reader.h"
#include "hearth/serve/output/answer_style.h"

namespace hearth::serve {

struct AnswerOptions {
  AnswerStyle style;
  std::vector<Tool> tools;        // none: calls are not looked for
  bool thinking_is_open = false;  // the prompt ends inside the thoughts: prompt_opens_thinking()
  AnswerLimits limits;
  uint64_t id_seed = 0;  // of the ids of calls to which the model gives none
};

/// Reads one answer. One thread.
///
/// The text must hold the model's control tokens by their spelling ("[TOOL_CALLS]"), but for the
/// one that ended the answer. Content and thinking come out as early as they are certain: held back
/// are the bytes of an unfinished character, white space until what follows it is known, and what
/// may still be a tag or a call. White space around tags is part of them. A call comes out whole.
///
/// Nothing is lost: what looks like a call and is malformed (unfinished, wrong JSON, without a
/// name) comes out as content, unchanged. An answer that ends before the closing tag of a call
/// whose arguments are whole has made that call. Bare and fenced JSON is a call only if its name is
/// that of a declared tool; behind a tag the name may be any, see violations().
class AnswerParser {
 public:
  explicit AnswerParser(AnswerOptions options);
  ~AnswerParser();
  AnswerParser(AnswerParser&&) noexcept;
  AnswerParser& operator=(AnswerParser&&) noexcept;

  /// The next text of the answer. Where it is cut changes nothing in what all deltas say together.
  /// Errors: resource_exhausted (a call past AnswerLimits, naming the limit); the parser is then
  /// good for nothing more.
  std::vector<AnswerDelta> feed(std::string_view text);
  /// The answer has ended; the last call. Errors: as feed().
  std::vector<AnswerDelta> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::serve
