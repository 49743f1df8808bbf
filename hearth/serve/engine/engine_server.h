// Serves an engine on a unix socket: a thread and one call per connection.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <span>

#include "hearth/serve/engine/engine.h"
#include "hearth/serve/engine/engine_connection.h"
#include "hearth/serve/engine/frame_socket.h"

namespace hearth::serve {

/// One more is told to come back (unavailable).
inline constexpr size_t kConnectionsMax = 256;

/// A client that closes its connection, or says that it sends no more, cancels its call, at any
/// moment. One thread.
class EngineServer {
 public:
  /// Listens at `path`. The engine must outlive the server. Errors: as listen_at().
  EngineServer(Engine& engine, const fs::path& path);
  /// Cancels the calls under way, tells their clients, and waits for them.
  ~EngineServer();
  EngineServer(const EngineServer&) = delete;
  EngineServer& operator=(const EngineServer&) = delete;

  /// Serves until one of `ends` can be read or is closed at its other end, or until the engine is
  /// no longer alive: then its process should end, so that another takes its place. Errors:
  /// io_failure.
  void run(std::span<const int> ends);

 private:
  void watch(int fd, uint32_t events, uint64_t tag);
  void accept_all();
  void begin(FileDescriptor client);
  void remove_done();

  Engine& engine_;
  FileDescriptor listener_, epoll_, done_;  // done_: an eventfd that finished connections write to
  std::map<uint64_t, std::unique_ptr<EngineConnection>> connections_;  // by their tag
  uint64_t next_tag_;
};

}  // namespace hearth::serve
