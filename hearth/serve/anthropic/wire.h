// The name of a request on the wire.
#pragma once

namespace hearth::serve::anthropic {

/// Where Anthropic's clients look for the name of their request.
inline constexpr const char* kRequestIdHeader = "request-id";

}  // namespace hearth::serve::anthropic
