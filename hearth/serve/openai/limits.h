// Every maximum of the OpenAI endpoints by name. Passing one is a 400 that names the field and the
// limit; sizes of bodies and JSON nesting are the server's (http/limits.h, api/json_fields.h).
#pragma once
#include <cstddef>

namespace hearth::serve::openai {

inline constexpr size_t kMessagesMax = 10'000;      // of a conversation; items of an input
inline constexpr size_t kPartsMax = 1'000;          // of one message's content
inline constexpr size_t kToolsMax = 512;            // that a request declares
inline constexpr size_t kCallsMax = 128;            // of one message
inline constexpr size_t kStopStringsMax = 64;       // OpenAI: 4
inline constexpr size_t kLogitBiasMax = 4'096;      // tokens
inline constexpr size_t kFormatBytesMax = 1 << 20;  // of a schema or grammar
inline constexpr int kChoicesMax = 16;              // answers of a request: prompts times n
inline constexpr int kTopLogprobsMax = 20;          // OpenAI's
inline constexpr size_t kInputsMax = 2'048;         // of an embedding request: OpenAI's
inline constexpr size_t kTokensMax = 1 << 20;       // of a prompt or an input given as ids
inline constexpr size_t kDocumentsMax = 2'048;      // of a reranking

}  // namespace hearth::serve::openai
