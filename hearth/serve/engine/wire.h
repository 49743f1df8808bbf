// What daemon and engine say to each other, as frames:
//
//   u32 bytes of JSON | u32 bytes of tail | JSON | tail      (little-endian)
//
// Both ends are one program, so there is no version and no field is optional. Every connection
// carries one call and its replies, and then ends.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/serve/engine/answer_request.h"
#include "hearth/serve/engine/answer_stream.h"
#include "hearth/serve/engine/engine.h"
#include "hearth/serve/engine/model_load.h"

namespace hearth::serve {

inline constexpr size_t kFrameHeadBytes = 8;
inline constexpr size_t kFrameJsonBytesMax = size_t{64} << 20;
inline constexpr size_t kFrameTailBytesMax = size_t{256} << 20;
inline constexpr int kFrameDepthMax = 160;  // nesting: that of a request's body, and ours around it

// What is asked; AnswerRequest, EmbedRequest and RerankRequest stand for themselves.
struct LoadCall {
  ModelLoad load;
  std::string socket;  // path at which the engine shall listen
};
struct RenderCall {
  ChatPrompt prompt;
};
struct CountCall {
  AnswerRequest request;
};
struct TokenizeCall {
  std::string text;
  bool add_special = false, parse_special = false;
};
struct DetokenizeCall {
  std::vector<int32_t> ids;
};
struct StatusCall {};

using Call = std::variant<AnswerRequest, EmbedRequest, RerankRequest, RenderCall, CountCall,
                          TokenizeCall, DetokenizeCall, StatusCall, LoadCall>;

// What is replied. To LoadCall: LoadedPart …, EngineFacts. To AnswerRequest: Accepted,
// AnswerChunk …, AnswerEnd. To any other one reply; and a FailedReply ends every list of replies.
struct FailedReply {
  Errc code = Errc::io_failure;
  std::string message;
};
struct LoadedPart {
  double fraction = 0;
};
struct Accepted {};
struct TextReply {
  std::string text;
};
struct IdsReply {
  std::vector<int32_t> ids;
};
struct CountReply {
  int count = 0;
};

using Reply = std::variant<AnswerChunk, AnswerEnd, Accepted, FailedReply, Embeddings, Relevance,
                           TextReply, IdsReply, CountReply, EngineStatus, LoadedPart, EngineFacts>;

/// One whole frame. Bytes inside JSON values (a tool call's arguments) that are not UTF-8 become
/// U+FFFD; all other texts go over unchanged. Errors: resource_exhausted (kFrameJsonBytesMax,
/// kFrameTailBytesMax).
std::string encode(const Call& call);
std::string encode(const Reply& reply);

/// Of one whole frame. Errors: corrupt_data naming the field.
Call decode_call(std::string_view frame);
Reply decode_reply(std::string_view frame);

/// Bytes that follow a frame's head. Errors: corrupt_data (fewer than kFrameHeadBytes),
/// resource_exhausted (kFrameJsonBytesMax, kFrameTailBytesMax).
size_t frame_body_bytes(std::string_view head);

}  // namespace hearth::serve
