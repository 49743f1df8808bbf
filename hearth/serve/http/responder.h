// The handler's end of an answer: whole at once, or streamed.
#pragma once
#include <memory>
#include <string_view>

#include "hearth/serve/http/response.h"

namespace hearth::http {

class Exchange;

/// Move-only; may be moved to and used from another thread, by one thread at a time, and outlive
/// the server. Exactly one answer goes through it: send(), or start(), any number of write() and
/// finish(). One that is destroyed too early answers 500 when nothing was begun, and else breaks
/// the connection, so that no client takes a part for the whole.
class Responder {
 public:
  explicit Responder(std::shared_ptr<Exchange> exchange);
  Responder(Responder&&) noexcept;
  Responder& operator=(Responder&&) noexcept;
  ~Responder();

  /// The whole answer. Nothing may follow.
  void send(Response response);

  /// Begins a streamed answer with `head`'s status and headers; its body is ignored.
  void start(Response head);
  /// Sends `bytes` soon. Waits while the client is slower than this (Limits::stream_bytes_max).
  /// False when the client is gone: stop.
  bool write(std::string_view bytes);
  /// As write(), but false at once when it would have to wait, and nothing was taken then.
  bool try_write(std::string_view bytes);
  /// Ends a streamed answer. Nothing may follow.
  void finish();
  /// Ends a streamed answer by breaking the connection: only for one that has no way to say what
  /// went wrong; NDJSON and SSE have one (streaming.h).
  void abandon();

  /// True until the answer has ended or this was moved from.
  explicit operator bool() const { return exchange_ != nullptr; }
  bool is_started() const;
  /// The client can read nothing any more.
  bool is_closed() const;

 private:
  std::shared_ptr<Exchange> exchange_;  // null once the answer has ended
};

}  // namespace hearth::http
