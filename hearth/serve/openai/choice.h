// One of the answers to a request, as the JSON objects in `choices`: pieces of a stream, and whole.
#pragma once
#include <string>
#include <vector>

#include "hearth/serve/engine/answer_stream.h"
#include "hearth/serve/output/message.h"

namespace hearth::serve::openai {

/// Pure: what goes in decides what comes out. Calls in the order begin, any chunk, finish, whole.
class Choice {
 public:
  virtual ~Choice() = default;
  /// What a stream sends before the first chunk.
  virtual std::vector<Json> begin() = 0;
  virtual std::vector<Json> chunk(const AnswerChunk& chunk) = 0;
  /// The last one of a stream, with its finish_reason.
  virtual Json finish(const AnswerEnd& end) = 0;
  /// The choice of an answer that is not streamed.
  virtual Json whole() const = 0;
  /// What its reader should know of an answer that is not what was asked for, a sentence each.
  virtual std::vector<std::string> warnings() const { return {}; }
  /// Of the generated ones, estimated; after finish().
  virtual int thinking_tokens() const { return 0; }
};

/// How many of the generated tokens were thoughts: an estimate by their share of the answer's
/// bytes.
int estimate_thinking_tokens(const AnswerDelta& answer, int generated_tokens);

/// Sentences on what was left out of the prompt or the context, for `warnings`.
std::vector<std::string> context_warnings(const AnswerEnd& end);

}  // namespace hearth::serve::openai
