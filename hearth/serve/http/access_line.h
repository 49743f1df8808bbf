// What is said about one request when it is over. Never what was asked: no query, no body.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace hearth::http {

struct AccessLine {
  std::string method, path;  // empty when the request was not understood that far
  std::string peer, id, caller;
  int status = 0;                       // 499: the client left before an answer began
  uint64_t sent_bytes = 0;              // head and framing included
  std::chrono::nanoseconds duration{};  // from the request's first byte to the answer's last
  bool is_complete = false;             // the whole answer went out
};

/// Called once for each request, on the IO thread: no waiting, no exception.
using AccessLog = std::function<void(const AccessLine&)>;

}  // namespace hearth::http
