// Bytes of a connection become requests (RFC 9112). Boost.Beast does the syntax, behind this
// header.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "hearth/serve/http/headers.h"

namespace hearth::http {

/// The head of one request, before anything in it is trusted.
struct RequestHead {
  std::string method, target;
  Headers headers;
  bool is_http_1_0 = false;
  bool keep_alive = true;             // as version and Connection say
  bool has_body = false;              // one follows, of a known length or chunked
  uint64_t content_length_bytes = 0;  // 0 for a chunked body
};

/// Parses one request. Feed it all the bytes that are there and were not consumed yet; it never
/// keeps any of an unfinished line.
class RequestParser {
 public:
  enum class State { head, body, done, failed };

  /// `header_bytes_max` counts the request line and the fields.
  explicit RequestParser(size_t header_bytes_max);
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  /// Takes as many of `bytes` as it can and returns their number. Stops behind the head, so that
  /// body_bytes_max() can be set, and behind the request: what follows belongs to the next one.
  /// Not to be called when done or failed.
  size_t put(std::string_view bytes);
  State state() const;
  /// Valid from State::body on; the caller may take it.
  RequestHead& head();
  /// More than `max` bytes of body fail with 413. No limit before it is set.
  void body_bytes_max(uint64_t max);
  /// What has come of the body since the last call; all of it when called once it is done.
  std::string take_body();
  /// How much take_body() would give.
  size_t body_bytes() const;

  /// Of State::failed: 400, 413, 431, 501 (a transfer coding but chunked) or 505.
  int error_status() const;
  const std::string& error_text() const;

 private:
  class Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace hearth::http
