#include "hearth/serve/engine/process_stream.h"

#include <chrono>
#include <utility>

namespace hearth::serve {
namespace {

constexpr std::chrono::milliseconds kLookInterval{250};  // for a cancellation while waiting
// An engine that lives tells within a step what it had done; one that does not is not waited for.
constexpr std::chrono::seconds kCancelWait{3};

}  // namespace

Reply receive_reply(FrameSocket& socket, const EngineChild& child, FrameSocket::Deadline deadline,
                    const std::stop_token& cancelled) {
  const std::optional<std::string> frame = socket.receive(deadline);
  if (!frame && cancelled.stop_requested())
    throw Error(Errc::unavailable, "the call was cancelled");
  if (!frame) throw child.gone("closed the connection");
  Reply reply = decode_reply(*frame);
  if (const auto* failed = std::get_if<FailedReply>(&reply))
    throw Error(failed->code, "{}", failed->message);
  return reply;
}

void throw_strange_reply() {
  throw Error(Errc::corrupt_data, "an engine's reply is not of the kind that was asked for");
}

std::optional<AnswerChunk> ProcessStream::next() {
  if (has_ended_) return std::nullopt;
  try {
    while (wait_for_reply()) {
      std::optional<AnswerChunk> chunk = take_reply();
      if (!chunk || !is_cancelled_.load()) return chunk;
    }
  } catch (const Error&) {
    has_ended_ = true;
    if (!is_cancelled_.load()) throw;
  }
  has_ended_ = true;
  end_.reason = AnswerReason::cancelled;
  return std::nullopt;
}

// False when the answer was cancelled and the engine says nothing more.
bool ProcessStream::wait_for_reply() {
  for (auto waited = kLookInterval * 0; !socket_.wait_readable(kLookInterval);) {
    if (is_cancelled_.load()) waited += kLookInterval;
    if (waited >= kCancelWait) return false;
  }
  return true;
}

std::optional<AnswerChunk> ProcessStream::take_reply() {
  Reply reply = receive_reply(socket_, *child_);
  if (auto* chunk = std::get_if<AnswerChunk>(&reply)) return std::move(*chunk);
  auto* end = std::get_if<AnswerEnd>(&reply);
  if (!end) throw_strange_reply();
  end_ = std::move(*end);
  has_ended_ = true;
  return std::nullopt;
}

void ProcessStream::cancel() {
  is_cancelled_.store(true);
  socket_.end_sending();
}

}  // namespace hearth::serve
