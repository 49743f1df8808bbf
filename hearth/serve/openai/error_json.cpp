#include "hearth/serve/openai/error_json.h"

#include "hearth/serve/api/error_answer.h"
#include "hearth/serve/api/json_fields.h"
#include "hearth/serve/api/json_text.h"

namespace hearth::serve::openai {
namespace {

struct TypeRow {
  int status;
  std::string_view type;
};

// OpenAI's where it has one, as its clients and Ollama's /v1 show them.
constexpr TypeRow kTypes[] = {
    {400, "invalid_request_error"}, {401, "authentication_error"},  {403, "permission_error"},
    {404, "not_found_error"},       {405, "invalid_request_error"}, {409, "conflict_error"},
    {413, "invalid_request_error"}, {415, "invalid_request_error"}, {422, "invalid_request_error"},
    {429, "rate_limit_error"},      {501, "not_supported_error"},   {503, "unavailable_error"},
};

// OpenAI's words where it has one: clients shorten a conversation that was too long.
Json code_json(Errc code) {
  if (code == Errc::invalid_argument) return nullptr;
  if (code == Errc::not_found) return "model_not_found";
  if (code == Errc::too_long) return "context_length_exceeded";
  return name(code);
}

Json error_object(int status, std::string_view message) {
  return {
      {"message", message}, {"type", error_type(status)}, {"param", nullptr}, {"code", nullptr}};
}

}  // namespace

std::string_view error_type(int status) {
  for (const TypeRow& row : kTypes)
    if (row.status == status) return row.type;
  return "api_error";
}

Json error_json(const Error& error) {
  Json object = error_object(status_of(error), error.what());
  if (const auto* field = dynamic_cast<const FieldError*>(&error)) object["param"] = field->field();
  object["code"] = code_json(error.code());
  return {{"error", std::move(object)}};
}

Json error_json(int status, std::string_view message) {
  return {{"error", error_object(status, message)}};
}

http::Response error_response(const Error& error) {
  const int status = status_of(error);
  http::Response response = http::Response::json(status, json_text(error_json(error)));
  add_retry_headers(response, error);
  return response;
}

}  // namespace hearth::serve::openai
