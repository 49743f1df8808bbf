#include "hearth/serve/api/answer_writer.h"

#include <optional>
#include <stop_token>
#include <utility>

namespace hearth::serve {
namespace {

using Clock = std::chrono::steady_clock;

void write_answer(Turn& turn, const AnswerRequest& request, std::stop_token closed,
                  Clock::time_point submitted, AnswerWriter& writer) {
  const std::unique_ptr<AnswerStream> stream = turn.engine.answer(request);
  const std::stop_callback cancel(closed, [&] { stream->cancel(); });
  writer.begin(turn.model);
  while (const std::optional<AnswerChunk> chunk = stream->next())
    if (!writer.chunk(*chunk)) return;
  if (stream->end().reason == AnswerReason::cancelled) {
    // Whoever left reads no end, and an answer that was cut short must not look whole.
    if (closed.stop_requested()) return;
    throw Error(Errc::unavailable, "model \"{}\" ended the answer before it was whole", turn.model);
  }
  writer.end(stream->end(), {.total = Clock::now() - submitted, .load = turn.load_time});
}

}  // namespace

void submit_answer(ModelService& models, ModelCall call, AnswerRequest request,
                   std::shared_ptr<AnswerWriter> writer, CheckTurn check) {
  const std::stop_token closed = call.closed;
  const auto submitted = Clock::now();
  models.submit(
      std::move(call),
      [request = std::move(request), closed, submitted, writer,
       check = std::move(check)](Turn& turn) {
        if (check) check(turn);
        write_answer(turn, request, closed, submitted, *writer);
      },
      [writer](const Error& error) { writer->fail(error); });
}

}  // namespace hearth::serve
