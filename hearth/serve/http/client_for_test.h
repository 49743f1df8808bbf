// A raw client for tests: bytes in, bytes out, no HTTP library that would forgive anything.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::http {

/// A connection to 127.0.0.1. Reads give up after 30 s.
class RawClient {
 public:
  explicit RawClient(uint16_t port);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view bytes);
  /// Everything until the server closes.
  std::string read_to_end();
  /// Until what came, together with what came before, ends with or contains `text`; shorter when
  /// the server closes first.
  std::string read_until(std::string_view text);
  /// One answer with a content-length, or without a body.
  std::string read_answer();
  void end_sending();  // half close
  void reset();        // closes so that the server gets a reset
  bool is_closed_within(std::chrono::milliseconds time);

 private:
  bool read_some();

  int socket_;
  std::string unread_;
};

/// "200" of "HTTP/1.1 200 OK…"; 0 when `answer` is none.
int status_in(std::string_view answer);
/// The value of the header `name`, lower case; empty when it is missing.
std::string header_in(std::string_view answer, std::string_view name);
/// What follows the head.
std::string body_in(std::string_view answer);

}  // namespace hearth::http
