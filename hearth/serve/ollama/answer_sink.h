// Where an answer of /api/generate or /api/chat goes: line by line, or whole.
#pragma once
#include <functional>

#include "hearth/serve/http/streaming.h"
#include "hearth/serve/ollama/answer_lines.h"

namespace hearth::serve::ollama {

class AnswerSink final : public AnswerWriter {
 public:
  /// Says a not_found in the words of the API.
  using Name = std::function<Error(const Error&)>;

  AnswerSink(AnswerLines lines, bool streams, Name name, http::Responder responder)
      : lines_(std::move(lines)),
        streams_(streams),
        name_(std::move(name)),
        stream_(std::move(responder)) {}

  /// The whole answer to an empty prompt.
  void nothing(std::string_view reason);

  void begin(const std::string&) override {}
  bool chunk(const AnswerChunk& chunk) override;
  void end(const AnswerEnd& end, const AnswerTimes& times) override;
  void fail(const Error& error) override;

 private:
  AnswerLines lines_;
  const bool streams_;
  const Name name_;
  http::NdjsonStream stream_;
  AnswerChunk whole_;  // so far, unless it streams
};

}  // namespace hearth::serve::ollama
