// The two ways in which the APIs stream: a JSON object per line, and server-sent events.
//
// Both say an error that comes after the first byte inside the stream: the status is gone by then.
#pragma once
#include <string>
#include <string_view>

#include "hearth/serve/http/responder.h"

namespace hearth::http {

/// Newline-delimited JSON, Ollama's form. The first line begins the answer with status 200.
/// Destroyed before finish() or fail(), it breaks the connection as Responder says.
class NdjsonStream {
 public:
  explicit NdjsonStream(Responder responder) : responder_(std::move(responder)) {}

  /// Sends `json` and a line break; `json` holds none. Waits and answers as Responder::write().
  bool line(std::string_view json);
  void finish();
  /// A whole answer instead, before any line.
  void send(Response whole) { responder_.send(std::move(whole)); }
  /// Ends with `error` as the last line. Before the first line it is a whole answer with `status`.
  void fail(int status, std::string_view error);
  /// The same with headers of its own for the case that it comes first.
  void fail(Response error);

 private:
  Responder responder_;
};

/// One event of the HTML standard, 9.2.6: "event: NAME" unless `name` is empty, a "data: " line for
/// each line of `data`, an empty line.
std::string sse_event(std::string_view data, std::string_view name = "");

/// Server-sent events, the form of OpenAI and Anthropic. The first event begins the answer with
/// status 200.
class SseStream {
 public:
  explicit SseStream(Responder responder) : responder_(std::move(responder)) {}

  /// Waits and answers as Responder::write().
  bool event(std::string_view data, std::string_view name = "");
  /// ": ping", which clients skip; keeps proxies from closing a quiet stream.
  bool ping();
  void finish();
  /// Ends with `error` (a JSON object) as the last event. Before the first event it is a whole
  /// JSON answer with `status`.
  void fail(int status, std::string_view error, std::string_view name = "");

 private:
  bool write(std::string_view bytes);

  Responder responder_;
};

}  // namespace hearth::http
