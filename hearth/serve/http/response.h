// An answer that is there as a whole, and the head of one that is streamed.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/serve/http/headers.h"

namespace hearth::http {

struct Response {
  int status = 200;
  Headers headers;  // content-length, connection, date and x-request-id are added by the server
  std::string body;

  static Response text(int status, std::string body);
  /// `body` is the JSON text.
  static Response json(int status, std::string body);
  /// 503 or 429 that says when to come back, in whole seconds rounded up.
  static Response retry_later(int status, std::chrono::milliseconds after, std::string text);
};

/// The one map from error codes to statuses: invalid_argument 400, not_found 404, conflict 409,
/// corrupt_data 422, unsupported 501, resource_exhausted 413, unavailable 503, io_failure 500,
/// too_long 400.
int status_of(Errc code);
/// "Not Found" for 404 (RFC 9110, 15); "Unknown" for a status without a name of its own.
std::string_view reason_phrase(int status);
/// False for 1xx, 204 and 304, which end behind their head.
bool may_have_body(int status);

}  // namespace hearth::http
