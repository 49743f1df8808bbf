// Every maximum of a request to Ollama's API by name; passing one is a 400 that names it. Nesting
// is bounded by kJsonDepthMax (serve/api/json_fields.h).
#pragma once
#include <cstddef>
#include <cstdint>

namespace hearth::serve::ollama {

inline constexpr uint64_t kBodyBytesMax = 64ull << 20;  // of a JSON body: 413
inline constexpr uint64_t kBlobBytesMax = 1ull << 44;   // of an uploaded blob: 413
inline constexpr size_t kMessagesMax = 4096;            // of a conversation
inline constexpr size_t kImagesMax = 64;                // of a message
inline constexpr size_t kToolsMax = 512;
inline constexpr size_t kCallsMax = 512;            // of a message
inline constexpr size_t kSchemaBytesMax = 1 << 20;  // of `format`, as JSON without blanks
inline constexpr size_t kContextIdsMax = 1 << 22;
inline constexpr size_t kInputsMax = 8192;  // of /api/embed
inline constexpr size_t kFilesMax = 1024;   // of /api/create
inline constexpr size_t kStopsMax = 256;
inline constexpr int kTopLogprobsMax = 20;
/// Pulls, pushes and creations at once: 503. Half of the server's handler threads.
inline constexpr int kLongWorkMax = 8;

}  // namespace hearth::serve::ollama
