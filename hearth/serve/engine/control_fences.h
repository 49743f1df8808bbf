// Texts of strangers inside a prompt: what they spell is text, never a control token.
//
// A chat template mixes its own control tokens ("<|im_end|>") with the messages, and the rendered
// prompt no longer shows whose text is whose. Taken literally, a message that says "<|im_end|>"
// would end its turn and could go on as the system. So before rendering, a mark is put into each
// place of a message where a control token is spelled, or could be together with the template's
// text around it: one private character behind the spelling's first. After rendering, each mark is
// taken out and becomes a fence of the tokenizer (llm::EncodeOptions::fences).
//
// Which tokens control, the vocabulary says: also those that files call "user defined" but write as
// tags, <|start|>, <tool_call|>. Others, <think> or a run of spaces, are words like any other.
//
// Other ways that were weighed: marks around each message do not survive templates that trim, cut
// or compare (nearly all do one of these), and taint in every string of the template language costs
// all conversations for the few that need it. Marks inside spellings leave every other text exactly
// as it was, need no partner, and disappear only together with their neighbours. What they do not
// stop: a template that cuts something out of the middle of a message, or changes its case, may
// join a control token from halves that spelled none. No published template that we know does this
// to texts of users.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/llm/tokenizer/tokenizer.h"
#include "hearth/serve/engine/answer_request.h"

namespace hearth::serve {

/// A prompt's text, and where the tokenizer must not see control tokens.
struct FencedText {
  std::string text;
  std::vector<size_t> fences;  // llm::EncodeOptions::fences
};

/// Immutable; any thread.
class ControlFences {
 public:
  explicit ControlFences(const llm::Tokenizer& tokenizer);

  /// `text` with marks where it spells control tokens, whole or from its beginning or to its end.
  /// The private characters U+FDD0 and U+FDD1, which Unicode keeps out of texts, are dropped;
  /// halves of them must not be there: texts are UTF-8, as those out of JSON are.
  std::string mark(std::string_view text) const;
  /// Marks every text in it: contents, thoughts, names, ids, arguments, schemas.
  void mark(Message& message) const;
  void mark(Tool& tool) const;
  Json marked(const Json& json) const;

 private:
  std::vector<std::string> spellings_;  // sorted
  std::vector<std::string> endings_;    // of the spellings, all that are shorter; sorted
};

/// Appended to a text that must be found again in the prompt.
extern const std::string_view kEndMark;

/// Takes the marks out of a rendered prompt.
FencedText take_marks(std::string_view rendered);

}  // namespace hearth::serve
