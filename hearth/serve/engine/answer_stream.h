// An answer on its way, as the handlers of every API read it.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hearth/serve/output/answer.h"

namespace hearth::serve {

/// A token with its probability, spelled out.
struct TokenProbability {
  std::string text;  // its bytes; may be part of a character
  float logprob = 0;
};

struct TokenLogprobs {
  TokenProbability chosen;
  std::vector<TokenProbability> top;  // most likely first
};

/// A step of an answer; both may be empty, not both at once.
struct AnswerChunk {
  AnswerDelta delta;
  std::vector<TokenLogprobs> logprobs;  // of the tokens sampled since the last chunk, if asked for
};

enum class AnswerReason {
  stop,       // the model ended it, or a stop string was met
  length,     // num_predict tokens, or the context is full
  cancelled,  // the reader went away
};

struct AnswerEnd {
  AnswerReason reason = AnswerReason::stop;
  std::string stop_string;  // the one that ended it; else empty
  int prompt_tokens = 0;
  int prompt_tokens_cached = 0;  // of these, not computed again
  int generated_tokens = 0;
  int messages_forgotten = 0;  // of the conversation, to make room
  int context_shifts = 0;
  std::chrono::nanoseconds queue_time{}, prompt_time{}, decode_time{};
  uint64_t seed = 0;
  std::vector<int32_t> ids;  // prompt and answer, where asked for
};

/// Read by one thread.
class AnswerStream {
 public:
  /// Destroying an unfinished stream cancels it.
  virtual ~AnswerStream() = default;
  /// Waits for the next chunk; nothing at the end, after which end() is valid. Errors: what ended
  /// the answer: resource_exhausted (the context), invalid_argument (the template refused),
  /// unavailable (the engine has gone), and those of Engine::answer() that come late.
  virtual std::optional<AnswerChunk> next() = 0;
  virtual const AnswerEnd& end() const = 0;
  /// next() gives nothing soon after. From any thread.
  virtual void cancel() = 0;
};

}  // namespace hearth::serve
