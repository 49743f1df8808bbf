// What is decided from a request's head alone, before a byte of its body is read.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/serve/http/cors.h"
#include "hearth/serve/http/request.h"
#include "hearth/serve/http/request_parser.h"
#include "hearth/serve/http/response.h"
#include "hearth/serve/http/router.h"

namespace hearth::http {

/// Makes the answer for an error that no handler made, in the form of the API that `path` belongs
/// to; `path` is empty when the request was not understood that far. Must not throw.
using ErrorForm = std::function<Response(std::string_view path, int status, std::string_view text)>;
/// Looks at a request's head: an answer turns it away (401, 403, 429), none lets it in. May set
/// Request::caller. Runs on the IO thread: no waiting, no file, no network. May throw hearth::Error
/// and nothing else.
using Admit = std::function<std::optional<Response>(Request&)>;

/// Who may ask what.
struct Policy {
  bool check_host = true;                  // against DNS rebinding (host_check.h)
  std::string own_name;                    // of this machine
  std::vector<std::string> allowed_hosts;  // besides the machine's own
  Origins allowed_origins;                 // besides the machine's own
  Admit admit;                             // may be empty
  ErrorForm error_form;                    // may be empty: plain text
  uint64_t body_bytes_max = 0;             // where a route sets none
};

struct Admission {
  Request request;
  const Router::Route* route = nullptr;  // null: `answer` is the whole story
  std::optional<Response> answer;
  Headers headers;  // to be added to whatever answers: CORS
  uint64_t body_bytes_max = 0;
};

/// What `policy.admit` throws becomes an answer. The decision, in this order: target 400, Host 400
/// and 403, Origin 403, preflight 204, path 404, method 405, `admit`, length 413.
Admission decide(RequestHead head, const Router& router, const Policy& policy);
/// `policy.error_form`'s answer, or plain text.
Response error_answer(const Policy& policy, std::string_view path, int status,
                      std::string_view text);

}  // namespace hearth::http
