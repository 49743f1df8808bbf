// One request and its answer on the way: what a handler's thread and the IO thread share.
//
// The handler puts in, the connection takes out. Knows no socket, so handlers can be tested without
// one.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "hearth/serve/http/request.h"
#include "hearth/serve/http/response.h"

namespace hearth::http {

/// Thread-safe.
class Exchange {
 public:
  /// What the connection has to send next.
  struct Output {
    std::optional<Response> head;  // once, first; with the whole body unless `streamed`
    bool streamed = false;         // the body follows in pieces
    std::string bytes;             // of a streamed body
    bool ended = false;            // nothing follows
    bool cut = false;              // ended without its end: the client must not take it for whole
  };

  ///   wake               called without a lock held whenever take() has something new, from the
  ///                      thread that made it
  ///   stream_bytes_max   bytes a streamed answer may have waiting
  Exchange(Request request, size_t stream_bytes_max, std::function<void()> wake);

  const Request& request() const { return request_; }
  /// Before the handler runs, on its thread.
  void replace_body(std::string body) { request_.body = std::move(body); }

  // The handler's side.
  void send(Response whole);  // a bug when an answer was begun already
  void start(Response head);  // the same; its body is ignored
  /// Waits for room; false when the client is gone. A piece larger than the room goes in alone.
  bool write(std::string_view bytes);
  /// Never waits; false when there is no room or the client is gone.
  bool try_write(std::string_view bytes);
  void finish();   // the end of a streamed answer
  void abandon();  // the end of a streamed answer that is not whole
  bool is_started() const;
  bool is_closed() const;

  // The connection's side.
  Output take();
  /// The client no longer wants the answer, but may still read it: trips request().closed.
  void cancel() { stop_.request_stop(); }
  /// Nobody takes out any more: trips request().closed and lets go of who waits in write().
  void close();

 private:
  bool has_room(size_t bytes) const;
  void put(std::string_view bytes);
  void begin(Response head, bool streamed);
  void end(bool cut);

  std::stop_source stop_;
  Request request_;
  const size_t stream_bytes_max_;
  const std::function<void()> wake_;

  mutable std::mutex mutex_;
  std::condition_variable room_;
  Output pending_;
  bool started_ = false;
  bool ended_ = false;
  bool closed_ = false;
};

}  // namespace hearth::http
