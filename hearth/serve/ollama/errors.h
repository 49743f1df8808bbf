// Errors in the form of Ollama's API: a status and {"error":"text"}.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/serve/http/response.h"
#include "hearth/serve/http/router.h"
#include "hearth/serve/ollama/limits.h"

namespace hearth::serve::ollama {

http::Response error_response(int status, std::string_view text);

/// invalid_argument and unsupported 400, not_found 404, conflict 409, unavailable 503 with
/// Retry-After (a Refusal's own status and time), everything else 500. A Refusal with 503 gets the
/// words that clients know for a full queue.
http::Response error_response(const Error& error);

/// Of every route here: what it throws is answered as above.
http::RouteOptions route_options(uint64_t body_bytes_max = kBodyBytesMax);

}  // namespace hearth::serve::ollama
