// What an error looks like on every API: its status, and when to ask again.
#pragma once
#include "hearth/base/error.h"
#include "hearth/serve/http/response.h"

namespace hearth::serve {

/// http::status_of(), and that of a Refusal.
int status_of(const Error& error);

/// Adds what the answer to `error` says to machines: Retry-After in seconds, at least 1, where the
/// status is 429 or 503 (a Refusal knows how long; what else is unavailable is soon there again),
/// and x-should-retry, which the official clients of OpenAI and Anthropic obey. Left alone they ask
/// again after every 409 and 5xx, also where that is vain.
void add_retry_headers(http::Response& response, const Error& error);

}  // namespace hearth::serve
