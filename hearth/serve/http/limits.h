// Every maximum of the HTTP server by name, with the status that answers who passes it.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace hearth::http {

struct Limits {
  size_t header_bytes_max = 64 << 10;   // request line and headers: 431
  uint64_t body_bytes_max = 64 << 20;   // 413; a route may set its own
  size_t upload_bytes_max = 1 << 20;    // of a body waiting for its sink; more is not read yet
  size_t connections_max = 4096;        // 503 with Retry-After
  size_t waiting_requests_max = 1024;   // for a handler thread: 503 with Retry-After
  size_t stream_bytes_max = 256 << 10;  // of a streamed answer waiting for the client to read
  std::chrono::milliseconds header_timeout{10'000};  // from a request's first byte: 408
  std::chrono::milliseconds body_timeout{60'000};    // without a byte of the body: 408
  std::chrono::milliseconds idle_timeout{75'000};    // between requests: closed without a word
  std::chrono::milliseconds write_timeout{30'000};   // client takes not one byte: cut off
};

}  // namespace hearth::http
