// One call to an engine that came over a socket, and the thread that answers it.
#pragma once
#include <atomic>
#include <functional>
#include <stop_token>
#include <thread>

#include "hearth/serve/engine/engine.h"
#include "hearth/serve/engine/frame_socket.h"
#include "hearth/serve/engine/wire.h"

namespace hearth::serve {

class EngineConnection {
 public:
  /// Begins to read the call. `on_done` is called on the connection's thread, as the last thing it
  /// does. The engine must outlive the connection.
  EngineConnection(Engine& engine, FrameSocket socket, std::function<void()> on_done);
  /// Cancels and waits for the thread.
  ~EngineConnection();
  EngineConnection(const EngineConnection&) = delete;
  EngineConnection& operator=(const EngineConnection&) = delete;

  /// The other end has gone: cancels what is under way. From any thread.
  void cancel() { cancelled_.request_stop(); }
  /// Cancels; the other end is told that the engine is ending.
  void end();
  /// Whoever does not read what it is told is told no more.
  void cut() { socket_.shut_down(); }
  bool is_done() const { return is_done_.load(); }
  int fd() const { return socket_.fd(); }

 private:
  void serve();
  void serve_call();
  void stream(const AnswerRequest& request);
  Reply reply_to(const Call& call);
  void fail(const Error& error);

  Engine& engine_;
  FrameSocket socket_;
  const std::function<void()> on_done_;
  std::stop_source cancelled_;
  std::atomic<bool> is_ending_{false};
  std::atomic<bool> is_done_{false};
  std::thread thread_;
};

}  // namespace hearth::serve
