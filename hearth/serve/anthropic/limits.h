// Every maximum of the Anthropic endpoints by name. Passing one is a 400 that names the field and
// the limit; sizes of bodies and JSON nesting are the server's (http/limits.h, api/json_fields.h).
#pragma once
#include <cstddef>
#include <cstdint>

namespace hearth::serve::anthropic {

inline constexpr size_t kMessagesMax = 10'000;
inline constexpr size_t kBlocksMax = 1'000;  // of one content
inline constexpr size_t kToolsMax = 512;     // that a request declares
inline constexpr size_t kStopSequencesMax = 64;
inline constexpr size_t kSchemaBytesMax = 1 << 20;  // of output_config.format
inline constexpr int64_t kTokensMax = 1 << 30;      // max_tokens

}  // namespace hearth::serve::anthropic
