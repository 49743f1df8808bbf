// A request as handlers see it: parsed, decoded, checked.
#pragma once
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hearth/serve/http/headers.h"
#include "hearth/serve/http/target.h"

namespace hearth::http {

struct Request {
  std::string method;  // "GET"; any token that the router knows
  Target target;
  Headers headers;
  std::string body;  // whole; chunked coding is already undone
  std::string peer;  // address of the client, "127.0.0.1:54321"
  std::string id;    // of this request, as in the answer's x-request-id
  /// Name of who asks; empty until the server's `admit` hook sets it.
  std::string caller;
  /// Decoded parameters of the route's pattern, in its order.
  std::vector<std::pair<std::string, std::string>> parameters;
  /// Trips when the client goes away, half-closes its side, stalls past the write timeout, or the
  /// server gives up draining. An answer may still be sent after a half close. Callbacks on it run
  /// on the IO thread: let them only set a flag or wake somebody.
  std::stop_token closed;

  const std::string& path() const { return target.path; }
  /// The value of the pattern's parameter `name`; empty when the pattern has none.
  std::string_view parameter(std::string_view name) const {
    for (const auto& [key, value] : parameters)
      if (key == name) return value;
    return {};
  }
};

}  // namespace hearth::http
