#include "hearth/serve/anthropic/error_json.h"

#include <utility>

#include "hearth/serve/anthropic/wire.h"
#include "hearth/serve/api/error_answer.h"
#include "hearth/serve/api/json_text.h"

namespace hearth::serve::anthropic {
namespace {

struct TypeRow {
  int status;
  std::string_view type;
};

// https://docs.claude.com/en/api/errors; a 503 is what 529 means there.
constexpr TypeRow kTypes[] = {
    {400, "invalid_request_error"}, {401, "authentication_error"}, {403, "permission_error"},
    {404, "not_found_error"},       {413, "request_too_large"},    {415, "invalid_request_error"},
    {429, "rate_limit_error"},      {503, "overloaded_error"},     {529, "overloaded_error"},
};

}  // namespace

std::string_view error_type(int status) {
  for (const TypeRow& row : kTypes)
    if (row.status == status) return row.type;
  return "api_error";
}

Json error_json(int status, std::string_view message, std::string_view request_id) {
  Json json = {{"type", "error"}, {"error", {{"type", error_type(status)}, {"message", message}}}};
  if (!request_id.empty()) json["request_id"] = request_id;
  return json;
}

http::Response error_response(int status, std::string_view message) {
  return http::Response::json(status, json_text(error_json(status, message, "")));
}

http::Response error_response(const Error& error, const std::string& request_id) {
  const int status = status_of(error);
  http::Response response =
      http::Response::json(status, json_text(error_json(status, error.what(), request_id)));
  response.headers.set(kRequestIdHeader, request_id);
  add_retry_headers(response, error);
  return response;
}

}  // namespace hearth::serve::anthropic
