// Errors in the form of /v1: {"error": {"message", "type", "param", "code"}}.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/serve/http/response.h"
#include "hearth/serve/output/message.h"

namespace hearth::serve::openai {

/// "invalid_request_error" for 400 and so on; "api_error" for a status without a type of its own.
std::string_view error_type(int status);

/// `param` is the field of a FieldError; `code` is model_not_found for a model that is not there,
/// context_length_exceeded for a prompt that does not fit, null for a wrong request, and else the
/// name of the error's code.
Json error_json(const Error& error);
/// For what the server itself refuses (http::Policy::error_form).
Json error_json(int status, std::string_view message);

/// With the headers of add_retry_headers().
http::Response error_response(const Error& error);

}  // namespace hearth::serve::openai
