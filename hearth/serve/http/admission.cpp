#include "hearth/serve/http/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/serve/http/host_check.h"
#include "hearth/serve/http/request_id.h"

namespace hearth::http {
namespace {

using MaybeAnswer = std::optional<Response>;

MaybeAnswer check_target(Request& request, const std::string& text, const Policy& policy) {
  std::optional<Target> target = parse_target(text);
  if (!target) return error_answer(policy, "", 400, "the request's target cannot be decoded");
  request.target = std::move(*target);
  return std::nullopt;
}

// What is foreign, as it may stand in an answer.
std::string shown(std::string_view host) {
  constexpr size_t kCharsMax = 100;
  std::string text(host.substr(0, kCharsMax));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

MaybeAnswer check_host(const Request& request, bool is_http_1_0, const Policy& policy) {
  const size_t count = request.headers.count("host");
  // RFC 9112, 3.2: exactly one; HTTP/1.0 knew none.
  if (count > 1 || (count == 0 && !is_http_1_0))
    return error_answer(policy, request.path(), 400, "a request has exactly one Host header");
  const std::string_view host = request.target.authority.empty()
                                    ? request.headers.get("host")
                                    : std::string_view(request.target.authority);
  if (!policy.check_host || (count == 0 && is_http_1_0) ||
      is_allowed_host(host, policy.own_name, policy.allowed_hosts))
    return std::nullopt;
  return error_answer(
      policy, request.path(), 403,
      fmt::format("this server does not answer to the name '{}' in the Host header; hearth serve "
                  "--server-names NAME lets it",
                  shown(host)));
}

MaybeAnswer check_origin(const Request& request, const Policy& policy, Headers& added) {
  const std::string* origin = request.headers.find("origin");
  if (!origin) return std::nullopt;
  if (!is_allowed_origin(*origin, request.headers.get("host"), policy.allowed_origins))
    return error_answer(policy, request.path(), 403,
                        "pages of this origin may not call this server");
  added = cors_headers(*origin);
  return std::nullopt;
}

Response answer_options(const Request& request, const std::string& allow) {
  Response response = {.status = 204, .headers = {{"allow", allow}}, .body = {}};
  if (request.headers.find("access-control-request-method"))
    for (const auto& [name, value] :
         preflight_headers(allow, request.headers.get("access-control-request-headers")))
      response.headers.add(name, value);
  return response;
}

MaybeAnswer check_route(Admission& admission, const Router& router, const Policy& policy) {
  Request& request = admission.request;
  Router::Match match = router.find(request.method, request.target.segments);
  if (request.method == "OPTIONS" && !match.route) {
    if (request.path() == "*") return answer_options(request, "GET, HEAD, POST, DELETE, OPTIONS");
    if (!match.allow.empty()) return answer_options(request, match.allow);
  }
  if (match.route) {
    admission.route = match.route;
    request.parameters = std::move(match.parameters);
    return std::nullopt;
  }
  if (match.allow.empty()) return error_answer(policy, request.path(), 404, "no such path");
  Response response = error_answer(policy, request.path(), 405,
                                   fmt::format("this path knows only {}", match.allow));
  response.headers.set("allow", match.allow);
  return response;
}

MaybeAnswer check_length(const Admission& admission, uint64_t length_bytes, const Policy& policy) {
  if (length_bytes <= admission.body_bytes_max) return std::nullopt;
  return error_answer(
      policy, admission.request.path(), 413,
      fmt::format("the body has {} bytes, more than {}", length_bytes, admission.body_bytes_max));
}

std::string id_for(const Headers& headers) {
  const std::string_view given = headers.get("x-request-id");
  return is_sane_request_id(given) ? std::string(given) : make_request_id();
}

MaybeAnswer check_all(Admission& admission, const RequestHead& head, const Router& router,
                      const Policy& policy) {
  Request& request = admission.request;
  if (auto no = check_target(request, head.target, policy)) return no;
  if (auto no = check_host(request, head.is_http_1_0, policy)) return no;
  if (auto no = check_origin(request, policy, admission.headers)) return no;
  if (auto no = check_route(admission, router, policy)) return no;
  if (policy.admit)
    if (auto no = policy.admit(request)) return no;
  admission.body_bytes_max =
      admission.route->options.body_bytes_max.value_or(policy.body_bytes_max);
  return check_length(admission, head.content_length_bytes, policy);
}

}  // namespace

Response error_answer(const Policy& policy, std::string_view path, int status,
                      std::string_view text) {
  return policy.error_form ? policy.error_form(path, status, text)
                           : Response::text(status, fmt::format("{}\n", text));
}

Admission decide(RequestHead head, const Router& router, const Policy& policy) {
  Admission admission;
  admission.request.method = std::move(head.method);
  admission.request.headers = std::move(head.headers);
  admission.request.id = id_for(admission.request.headers);
  try {
    admission.answer = check_all(admission, head, router, policy);
  } catch (const Error& error) {
    admission.answer =
        error_answer(policy, admission.request.path(), status_of(error.code()), error.what());
  }
  if (admission.answer) admission.route = nullptr;
  return admission;
}

}  // namespace hearth::http
