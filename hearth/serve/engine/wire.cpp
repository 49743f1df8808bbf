#include "hearth/serve/engine/wire.h"

#include <utility>

#include "hearth/serve/engine/wire_fields.h"

namespace hearth::serve {

template <>
inline constexpr Errc kLast<Errc> = Errc::too_long;
template <>
inline constexpr Role kLast<Role> = Role::tool;
template <>
inline constexpr ToolChoice::Kind kLast<ToolChoice::Kind> = ToolChoice::Kind::named;
template <>
inline constexpr Thinking kLast<Thinking> = Thinking::max;
template <>
inline constexpr AnswerFormat::Kind kLast<AnswerFormat::Kind> = AnswerFormat::Kind::grammar;
template <>
inline constexpr Overflow kLast<Overflow> = Overflow::truncate;
template <>
inline constexpr llm::KvType kLast<llm::KvType> = llm::KvType::q8_0;
template <>
inline constexpr AnswerReason kLast<AnswerReason> = AnswerReason::cancelled;

// Conversations.

void describe(auto& fields, Described<Tool> auto& tool) {
  fields("name", tool.name);
  fields("description", tool.description);
  fields("parameters", tool.parameters);
}

void describe(auto& fields, Described<ToolCall> auto& call) {
  fields("id", call.id);
  fields("name", call.name);
  fields("arguments", call.arguments);
}

void describe(auto& fields, Described<Message> auto& message) {
  fields("role", message.role);
  fields("content", message.content);
  fields("thinking", message.thinking);
  fields("tool_calls", message.tool_calls);
  fields("tool_call_id", message.tool_call_id);
  fields("tool_name", message.tool_name);
}

void describe(auto& fields, Described<ToolChoice> auto& choice) {
  fields("kind", choice.kind);
  fields("name", choice.name);
  fields("allows_parallel", choice.allows_parallel);
}

// Requests.

void describe(auto& fields, Described<ChatPrompt> auto& prompt) {
  fields("messages", prompt.messages);
  fields("tools", prompt.tools);
  fields("tool_choice", prompt.tool_choice);
  fields("thinking", prompt.thinking);
  fields("template_text", prompt.template_text);
  fields("template_arguments", prompt.template_arguments);
  fields("earlier_ids", prompt.earlier_ids);
  fields("continues_last", prompt.continues_last);
}

void describe(auto& fields, Described<TextPrompt> auto& prompt) {
  fields("text", prompt.text);
  fields("suffix", prompt.suffix);
}

void describe(auto& fields, Described<AnswerFormat> auto& format) {
  fields("kind", format.kind);
  fields("text", format.text);
}

void describe(auto& fields, Described<AnswerRequest> auto& request) {
  fields("prompt", request.prompt);
  fields("format", request.format);
  fields("options", request.options);
  fields("defaults", request.defaults);
  fields("logit_bias", request.logit_bias);
  fields("logprobs", request.logprobs);
  fields("overflow", request.overflow);
  fields("shifts", request.shifts);
  fields("wants_ids", request.wants_ids);
  fields("adapter", request.adapter);
  fields("adapter_scale", request.adapter_scale);
}

void describe(auto& fields, Described<EmbedRequest> auto& request) {
  fields("inputs", request.inputs);
  fields("overflow", request.overflow);
  fields("dimensions", request.dimensions);
  fields("normalise", request.normalise);
  fields("adapter", request.adapter);
}

void describe(auto& fields, Described<RerankRequest> auto& request) {
  fields("query", request.query);
  fields("documents", request.documents);
  fields("overflow", request.overflow);
}

void describe(auto& fields, Described<RenderCall> auto& call) { fields("prompt", call.prompt); }
void describe(auto& fields, Described<CountCall> auto& call) { fields("request", call.request); }

void describe(auto& fields, Described<TokenizeCall> auto& call) {
  fields("text", call.text);
  fields("add_special", call.add_special);
  fields("parse_special", call.parse_special);
}

void describe(auto& fields, Described<DetokenizeCall> auto& call) { fields("ids", call.ids); }
void describe(auto&, Described<StatusCall> auto&) {}

void describe(auto& fields, Described<AdapterLoad> auto& adapter) {
  fields("name", adapter.name);
  fields("path", adapter.path);
  fields("scale", adapter.scale);
}

void describe(auto& fields, Described<ModelLoad> auto& load) {
  fields("path", load.path);
  fields("adapters", load.adapters);
  fields("template_text", load.template_text);
  fields("system", load.system);
  fields("messages", load.messages);
  fields("parameters", load.parameters);
  fields("answers_max", load.answers_max);
  fields("queue_max", load.queue_max);
  fields("kv_type", load.kv_type);
}

void describe(auto& fields, Described<LoadCall> auto& call) {
  fields("load", call.load);
  fields("socket", call.socket);
}

// Replies.

void describe(auto& fields, Described<AnswerDelta> auto& delta) {
  fields("content", delta.content);
  fields("thinking", delta.thinking);
  fields("tool_calls", delta.tool_calls);
}

void describe(auto& fields, Described<TokenProbability> auto& token) {
  fields("text", token.text);
  fields("logprob", token.logprob);
}

void describe(auto& fields, Described<TokenLogprobs> auto& token) {
  fields("chosen", token.chosen);
  fields("top", token.top);
}

void describe(auto& fields, Described<AnswerChunk> auto& chunk) {
  fields("delta", chunk.delta);
  fields("logprobs", chunk.logprobs);
}

void describe(auto& fields, Described<AnswerEnd> auto& end) {
  fields("reason", end.reason);
  fields("stop_string", end.stop_string);
  fields("prompt_tokens", end.prompt_tokens);
  fields("prompt_tokens_cached", end.prompt_tokens_cached);
  fields("generated_tokens", end.generated_tokens);
  fields("messages_forgotten", end.messages_forgotten);
  fields("context_shifts", end.context_shifts);
  fields("queue_time", end.queue_time);
  fields("prompt_time", end.prompt_time);
  fields("decode_time", end.decode_time);
  fields("seed", end.seed);
  fields("ids", end.ids);
}

void describe(auto& fields, Described<FailedReply> auto& reply) {
  fields("code", reply.code);
  fields("message", reply.message);
}

void describe(auto& fields, Described<Embeddings> auto& embeddings) {
  fields("vectors", embeddings.vectors);
  fields("prompt_tokens", embeddings.prompt_tokens);
}

void describe(auto& fields, Described<Relevance> auto& relevance) {
  fields("scores", relevance.scores);
  fields("prompt_tokens", relevance.prompt_tokens);
}

void describe(auto& fields, Described<Capabilities> auto& capabilities) {
  fields("completion", capabilities.completion);
  fields("tools", capabilities.tools);
  fields("thinking", capabilities.thinking);
  fields("insert", capabilities.insert);
  fields("embedding", capabilities.embedding);
  fields("rerank", capabilities.rerank);
}

void describe(auto& fields, Described<EngineFacts> auto& facts) {
  fields("capabilities", facts.capabilities);
  fields("architecture", facts.architecture);
  fields("context", facts.context);
  fields("answers_max", facts.answers_max);
  fields("memory_bytes", facts.memory_bytes);
  fields("device_bytes", facts.device_bytes);
}

void describe(auto& fields, Described<EngineStatus> auto& status) {
  fields("running", status.running);
  fields("waiting", status.waiting);
  fields("pages_free", status.pages_free);
  fields("pages_total", status.pages_total);
}

void describe(auto& fields, Described<LoadedPart> auto& part) { fields("fraction", part.fraction); }
void describe(auto&, Described<Accepted> auto&) {}
void describe(auto& fields, Described<TextReply> auto& reply) { fields("text", reply.text); }
void describe(auto& fields, Described<IdsReply> auto& reply) { fields("ids", reply.ids); }
void describe(auto& fields, Described<CountReply> auto& reply) { fields("count", reply.count); }

namespace {

void append_u32(std::string& out, size_t value) {
  const uint32_t number = static_cast<uint32_t>(value);
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

size_t u32_at(std::string_view bytes, size_t offset) {
  uint32_t number = 0;
  std::memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

void check_limits(size_t json_bytes, size_t tail_bytes) {
  if (json_bytes > kFrameJsonBytesMax)
    throw Error(Errc::resource_exhausted, "a frame's JSON has {} bytes, the limit is {}",
                json_bytes, kFrameJsonBytesMax);
  if (tail_bytes > kFrameTailBytesMax)
    throw Error(Errc::resource_exhausted, "a frame's tail has {} bytes, the limit is {}",
                tail_bytes, kFrameTailBytesMax);
}

template <class Value>
std::string encode_frame(const Value& value) {
  std::string tail;
  const std::string json =
      FieldWriter(tail).put(value).dump(-1, ' ', false, Json::error_handler_t::replace);
  check_limits(json.size(), tail.size());
  std::string frame;
  frame.reserve(kFrameHeadBytes + json.size() + tail.size());
  append_u32(frame, json.size());
  append_u32(frame, tail.size());
  return frame.append(json).append(tail);
}

// Printing and copying JSON recurse, so a deep value must not get in.
Json parse_shallow(std::string_view text) {
  const auto check_depth = [](int depth, Json::parse_event_t, Json&) {
    if (depth > kFrameDepthMax)
      throw Error(Errc::corrupt_data, "a frame is nested deeper than {}", kFrameDepthMax);
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), check_depth);
  } catch (const Json::exception& error) {
    throw Error(Errc::corrupt_data, "a frame is not JSON: {}", error.what());
  }
}

template <class Value>
Value decode_frame(std::string_view frame) {
  const size_t body_bytes = frame_body_bytes(frame);
  if (frame.size() - kFrameHeadBytes != body_bytes)
    throw Error(Errc::corrupt_data, "a frame of {} bytes has {}", kFrameHeadBytes + body_bytes,
                frame.size());
  const size_t json_bytes = u32_at(frame, 0);
  std::string_view tail = frame.substr(kFrameHeadBytes + json_bytes);
  Json object = Json::object();
  object["frame"] = parse_shallow(frame.substr(kFrameHeadBytes, json_bytes));
  Value value;
  FieldReader(object, tail)("frame", value);
  if (!tail.empty())
    throw Error(Errc::corrupt_data, "a frame's tail has {} bytes too many", tail.size());
  return value;
}

// Bytes of the character that `text` begins with; 0 where that is not UTF-8. Table 3-7 of the
// Unicode Standard: the second byte's range depends on the first.
size_t character_bytes(std::string_view text) {
  const auto byte = [&](size_t at) -> int {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : -1;
  };
  const auto is_tail = [&](size_t at) { return byte(at) >= 0x80 && byte(at) <= 0xBF; };
  const int first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return is_tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const int low = first == 0xE0 ? 0xA0 : 0x80, high = first == 0xED ? 0x9F : 0xBF;
    return second >= low && second <= high && is_tail(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const int low = first == 0xF0 ? 0x90 : 0x80, high = first == 0xF4 ? 0x8F : 0xBF;
    return second >= low && second <= high && is_tail(2) && is_tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t bytes = character_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

size_t frame_body_bytes(std::string_view head) {
  if (head.size() < kFrameHeadBytes)
    throw Error(Errc::corrupt_data, "a frame's head has {} bytes, not {}", head.size(),
                kFrameHeadBytes);
  const size_t json_bytes = u32_at(head, 0), tail_bytes = u32_at(head, 4);
  check_limits(json_bytes, tail_bytes);
  return json_bytes + tail_bytes;
}

std::string encode(const Call& call) { return encode_frame(call); }
std::string encode(const Reply& reply) { return encode_frame(reply); }
Call decode_call(std::string_view frame) { return decode_frame<Call>(frame); }
Reply decode_reply(std::string_view frame) { return decode_frame<Reply>(frame); }

}  // namespace hearth::serve
