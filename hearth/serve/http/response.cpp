#include "hearth/serve/http/response.h"

#include <algorithm>
#include <utility>

namespace hearth::http {
namespace {

struct Phrase {
  int status;
  std::string_view text;
};

// RFC 9110, 15; 429 and 431 from RFC 6585; 499 is what proxies and Ollama log for a client that
// left.
constexpr Phrase kPhrases[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {529, "Overloaded"},
};

Response with_type(int status, std::string body, std::string type) {
  return {
      .status = status, .headers = {{"content-type", std::move(type)}}, .body = std::move(body)};
}

}  // namespace

Response Response::text(int status, std::string body) {
  return with_type(status, std::move(body), "text/plain; charset=utf-8");
}

Response Response::json(int status, std::string body) {
  return with_type(status, std::move(body), "application/json; charset=utf-8");
}

Response Response::retry_later(int status, std::chrono::milliseconds after, std::string text) {
  Response response = Response::text(status, std::move(text));
  // At least one second: "0" would ask the client to hammer.
  const auto seconds = std::max<int64_t>(1, std::chrono::ceil<std::chrono::seconds>(after).count());
  response.headers.add("retry-after", std::to_string(seconds));
  return response;
}

int status_of(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::too_long:
      return 400;
    case Errc::not_found:
      return 404;
    case Errc::conflict:
      return 409;
    case Errc::corrupt_data:
      return 422;
    case Errc::unsupported:
      return 501;
    case Errc::resource_exhausted:
      return 413;
    case Errc::unavailable:
      return 503;
    case Errc::io_failure:
      return 500;
  }
  return 500;
}

std::string_view reason_phrase(int status) {
  const auto* found = std::find_if(std::begin(kPhrases), std::end(kPhrases),
                                   [&](const Phrase& phrase) { return phrase.status == status; });
  return found == std::end(kPhrases) ? "Unknown" : found->text;
}

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace hearth::http
