// The daemon's end of an answer that another process makes.
#pragma once
#include <atomic>
#include <memory>
#include <stop_token>

#include "hearth/serve/engine/answer_stream.h"
#include "hearth/serve/engine/engine_child.h"
#include "hearth/serve/engine/frame_socket.h"
#include "hearth/serve/engine/wire.h"

namespace hearth::serve {

/// The next reply on `socket`. Errors: the one that the engine replied; EngineChild::gone() when
/// the connection broke, unless it was `cancelled`; unavailable (the deadline passed).
Reply receive_reply(FrameSocket& socket, const EngineChild& child,
                    FrameSocket::Deadline deadline = {}, const std::stop_token& cancelled = {});
/// An engine that answers something else than it was asked is no engine of ours.
[[noreturn]] void throw_strange_reply();

class ProcessStream : public AnswerStream {
 public:
  /// Of an answer that the engine has accepted on `socket`.
  ProcessStream(FrameSocket socket, std::shared_ptr<const EngineChild> child)
      : socket_(std::move(socket)), child_(std::move(child)) {}

  std::optional<AnswerChunk> next() override;
  const AnswerEnd& end() const override { return end_; }
  void cancel() override;

 private:
  bool wait_for_reply();
  std::optional<AnswerChunk> take_reply();

  FrameSocket socket_;
  const std::shared_ptr<const EngineChild> child_;
  std::atomic<bool> is_cancelled_{false};
  bool has_ended_ = false;
  AnswerEnd end_;
};

}  // namespace hearth::serve
