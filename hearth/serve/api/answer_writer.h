// The path of an answer through any API: submit, stream, end. What differs is how it is written.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/engine/answer_stream.h"
#include "hearth/serve/pool/model_service.h"

namespace hearth::serve {

/// What an API says at the end besides what the engine knows.
struct AnswerTimes {
  std::chrono::nanoseconds total{};  // since the request was submitted
  std::chrono::nanoseconds load{};   // of the model
};

/// Writes one answer, whole or streamed, in the form of one API. Calls come one after the other:
/// begin, any number of chunk, and then end or fail; fail also first.
class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;
  /// The engine took the request; `model` is its name as listed.
  virtual void begin(const std::string& model) = 0;
  /// False when the client has gone.
  virtual bool chunk(const AnswerChunk& chunk) = 0;
  virtual void end(const AnswerEnd& end, const AnswerTimes& times) = 0;
  /// In the API's form; also in the middle of a stream.
  virtual void fail(const Error& error) = 0;
};

/// Called first when the turn has come; what it throws is the answer.
using CheckTurn = std::function<void(const Turn&)>;

/// Submits and returns; the writer is called on another thread. A client that leaves
/// (`call.closed`) cancels the answer.
void submit_answer(ModelService& models, ModelCall call, AnswerRequest request,
                   std::shared_ptr<AnswerWriter> writer, CheckTurn check = {});

}  // namespace hearth::serve
