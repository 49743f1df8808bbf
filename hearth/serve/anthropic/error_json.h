// Errors in Anthropic's form: {"type": "error", "error": {"type", "message"}, "request_id"}.
#pragma once
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/serve/http/response.h"
#include "hearth/serve/output/message.h"

namespace hearth::serve::anthropic {

/// "invalid_request_error" for 400 and so on; "api_error" for a status without a type of its own.
std::string_view error_type(int status);

/// `request_id` may be empty: then the field is absent.
Json error_json(int status, std::string_view message, std::string_view request_id);

/// For http::Policy::error_form, on the paths of this API.
http::Response error_response(int status, std::string_view message);
/// With the headers of add_retry_headers().
http::Response error_response(const Error& error, const std::string& request_id);

}  // namespace hearth::serve::anthropic
