// How JSON and the request's name go over the wire.
#pragma once
#include <string>

#include "hearth/serve/output/message.h"

namespace hearth::serve::anthropic {

/// Where Anthropic's clients look for the name of their request.
inline constexpr const char* kRequestIdHeader = "request-id";

/// On one line. What is no UTF-8 becomes U+FFFD.
inline std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace hearth::serve::anthropic
