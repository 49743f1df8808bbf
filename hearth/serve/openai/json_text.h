// JSON as it goes over the wire.
#pragma once
#include <string>

#include "hearth/serve/output/message.h"

namespace hearth::serve::openai {

/// On one line. What is no UTF-8 (part of a character in a token's text) becomes U+FFFD.
inline std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace hearth::serve::openai
