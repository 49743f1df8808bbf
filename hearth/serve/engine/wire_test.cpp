#include "hearth/serve/engine/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "hearth/serve/engine/wire_fields.h"

namespace hearth::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

template <class Value>
Value through_call(Value value) {
  return std::get<Value>(decode_call(encode(Call(std::move(value)))));
}

template <class Value>
Value through_reply(Value value) {
  return std::get<Value>(decode_reply(encode(Reply(std::move(value)))));
}

// A frame with this JSON and tail.
std::string frame(std::string_view json, std::string_view tail = "") {
  std::string bytes;
  for (const size_t size : {json.size(), tail.size()})
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(size >> shift & 0xFF);
  return bytes.append(json).append(tail);
}

struct Failure {
  Errc code;
  std::string message;
};

Failure failure_of(const std::string& bytes) {
  try {
    decode_call(bytes);
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  ADD_FAILURE() << "it was read";
  return {};
}

const std::string kHalfCharacter = "caf\xC3";

ChatPrompt full_chat() {
  ChatPrompt chat;
  chat.messages = {
      {.role = Role::system, .content = "Be kind."},
      {.role = Role::assistant,
       .content = "I look",
       .thinking = "hm\0m" + std::string(1, '\0'),
       .tool_calls = {{"c1", "look", {{"where", "Zürich"}, {"at", {1, 2.5, nullptr}}}}}},
      {.role = Role::tool, .content = kHalfCharacter, .tool_call_id = "c1", .tool_name = "look"}};
  chat.tools = {{"look", "Looks", {{"type", "object"}, {"b", 1}, {"a", 2}}}};
  chat.tool_choice = {ToolChoice::Kind::named, "look", false};
  chat.thinking = Thinking::high;
  chat.template_text = "{{ x }}";
  chat.template_arguments = {{"n", 18446744073709551615u}};
  chat.earlier_ids = {-1, 0, 2147483647};
  chat.continues_last = true;
  return chat;
}

TEST(Wire, CarriesEveryFieldOfAConversation) {
  const ChatPrompt chat = through_call(RenderCall{full_chat()}).prompt;
  ASSERT_EQ(chat.messages.size(), 3u);
  EXPECT_EQ(chat.messages[0].role, Role::system);
  EXPECT_EQ(chat.messages[0].content, "Be kind.");
  EXPECT_EQ(chat.messages[1].role, Role::assistant);
  EXPECT_EQ(chat.messages[1].content, "I look");
  EXPECT_EQ(chat.messages[1].thinking, full_chat().messages[1].thinking);
  EXPECT_EQ(chat.messages[1].tool_calls, full_chat().messages[1].tool_calls);
  EXPECT_EQ(chat.messages[2].role, Role::tool);
  EXPECT_EQ(chat.messages[2].content, kHalfCharacter);
  EXPECT_EQ(chat.messages[2].tool_call_id, "c1");
  EXPECT_EQ(chat.messages[2].tool_name, "look");
  ASSERT_EQ(chat.tools.size(), 1u);
  EXPECT_EQ(chat.tools[0].name, "look");
  EXPECT_EQ(chat.tools[0].description, "Looks");
  EXPECT_EQ(chat.tools[0].parameters.dump(), R"({"type":"object","b":1,"a":2})");
  EXPECT_EQ(chat.tool_choice.kind, ToolChoice::Kind::named);
  EXPECT_EQ(chat.tool_choice.name, "look");
  EXPECT_FALSE(chat.tool_choice.allows_parallel);
  EXPECT_EQ(chat.thinking, Thinking::high);
  EXPECT_EQ(chat.template_text, "{{ x }}");
  EXPECT_EQ(chat.template_arguments.dump(), R"({"n":18446744073709551615})");
  EXPECT_THAT(chat.earlier_ids, ElementsAre(-1, 0, 2147483647));
  EXPECT_TRUE(chat.continues_last);
}

TEST(Wire, CarriesWhatAConversationLeavesOut) {
  const ChatPrompt chat = through_call(RenderCall{}).prompt;
  EXPECT_THAT(chat.messages, IsEmpty());
  EXPECT_FALSE(chat.thinking);
  EXPECT_FALSE(chat.template_text);
  EXPECT_FALSE(chat.continues_last);
  EXPECT_TRUE(chat.tool_choice.allows_parallel);
}

TEST(Wire, CarriesEveryFieldOfARequestToAnswer) {
  AnswerRequest sent;
  sent.prompt = TextPrompt{.text = std::vector<int32_t>{5, 6}, .suffix = "end"};
  sent.format = {AnswerFormat::Kind::grammar, "root ::= \"a\""};
  sent.options = {{"temperature", 0.1},
                  {"seed", int64_t{-9007199254740993}},
                  {"use_mmap", false},
                  {"stop", std::vector<std::string>{"a", kHalfCharacter}}};
  sent.defaults = {{"top_k", int64_t{40}}};
  sent.logit_bias = {{7, -100.0f}, {8, -std::numeric_limits<float>::infinity()}};
  sent.logprobs = 20;
  sent.overflow = Overflow::error;
  sent.shifts = false;
  sent.wants_ids = true;
  sent.adapter = "pirate";
  sent.adapter_scale = 0.3f;
  const AnswerRequest got = through_call(CountCall{sent}).request;
  EXPECT_EQ(std::get<TextPrompt>(got.prompt).text, std::get<TextPrompt>(sent.prompt).text);
  EXPECT_EQ(std::get<TextPrompt>(got.prompt).suffix, "end");
  EXPECT_EQ(got.format.kind, AnswerFormat::Kind::grammar);
  EXPECT_EQ(got.format.text, "root ::= \"a\"");
  EXPECT_EQ(got.options, sent.options);
  EXPECT_EQ(got.defaults, sent.defaults);
  EXPECT_EQ(got.logit_bias, sent.logit_bias);
  EXPECT_EQ(got.logprobs, 20);
  EXPECT_EQ(got.overflow, Overflow::error);
  EXPECT_FALSE(got.shifts);
  EXPECT_TRUE(got.wants_ids);
  EXPECT_EQ(got.adapter, "pirate");
  EXPECT_EQ(got.adapter_scale, 0.3f);
  EXPECT_EQ(std::get<ChatPrompt>(through_call(AnswerRequest{full_chat()}).prompt).messages.size(),
            3u);
}

TEST(Wire, CarriesEveryFieldOfARequestForVectors) {
  const EmbedRequest got = through_call(EmbedRequest{.inputs = {"text", std::vector<int32_t>{3}},
                                                     .overflow = Overflow::error,
                                                     .dimensions = 12,
                                                     .normalise = false,
                                                     .adapter = "a"});
  ASSERT_EQ(got.inputs.size(), 2u);
  EXPECT_EQ(std::get<std::string>(got.inputs[0]), "text");
  EXPECT_THAT(std::get<std::vector<int32_t>>(got.inputs[1]), ElementsAre(3));
  EXPECT_EQ(got.overflow, Overflow::error);
  EXPECT_EQ(got.dimensions, 12);
  EXPECT_FALSE(got.normalise);
  EXPECT_EQ(got.adapter, "a");
}

TEST(Wire, CarriesTheOtherCalls) {
  const RerankRequest rerank = through_call(RerankRequest{"q", {"a", "b"}, Overflow::error});
  EXPECT_EQ(rerank.query, "q");
  EXPECT_THAT(rerank.documents, ElementsAre("a", "b"));
  EXPECT_EQ(rerank.overflow, Overflow::error);
  const TokenizeCall tokenize = through_call(TokenizeCall{kHalfCharacter, true, false});
  EXPECT_EQ(tokenize.text, kHalfCharacter);
  EXPECT_TRUE(tokenize.add_special);
  EXPECT_FALSE(tokenize.parse_special);
  EXPECT_TRUE(through_call(TokenizeCall{"", false, true}).parse_special);
  EXPECT_THAT(through_call(DetokenizeCall{{1, -2}}).ids, ElementsAre(1, -2));
  through_call(StatusCall{});
}

TEST(Wire, CarriesEveryFieldOfALoad) {
  const LoadCall got =
      through_call(LoadCall{.load = {.path = "/models/\xFF.gguf",
                                     .adapters = {{"a", "/a", 0.5f}},
                                     .template_text = "t",
                                     .system = "s",
                                     .messages = {{.role = Role::user, .content = "hi"}},
                                     .parameters = {{"num_ctx", int64_t{4096}}},
                                     .answers_max = 3,
                                     .queue_max = 5,
                                     .kv_type = llm::KvType::q8_0},
                            .socket = "/tmp/x/engine"});
  EXPECT_EQ(got.load.path, "/models/\xFF.gguf");
  ASSERT_EQ(got.load.adapters.size(), 1u);
  EXPECT_EQ(got.load.adapters[0].name, "a");
  EXPECT_EQ(got.load.adapters[0].path, "/a");
  EXPECT_EQ(got.load.adapters[0].scale, 0.5f);
  EXPECT_EQ(got.load.template_text, "t");
  EXPECT_EQ(got.load.system, "s");
  ASSERT_EQ(got.load.messages.size(), 1u);
  EXPECT_EQ(got.load.messages[0].content, "hi");
  EXPECT_EQ(got.load.parameters.at("num_ctx"), store::ParameterValue(int64_t{4096}));
  EXPECT_EQ(got.load.answers_max, 3);
  EXPECT_EQ(got.load.queue_max, 5);
  EXPECT_EQ(got.load.kv_type, llm::KvType::q8_0);
  EXPECT_EQ(got.socket, "/tmp/x/engine");
}

TEST(Wire, CarriesEveryFieldOfAChunk) {
  AnswerChunk sent;
  sent.delta = {"c", "t", {{"id", "f", {{"x", 1}}}}};
  sent.logprobs = {{{"\xE2\x82", -0.69314718f},
                    {{"a", -std::numeric_limits<float>::infinity()}, {"b", std::nanf("")}}}};
  const AnswerChunk got = through_reply(sent);
  EXPECT_EQ(got.delta, sent.delta);
  ASSERT_EQ(got.logprobs.size(), 1u);
  EXPECT_EQ(got.logprobs[0].chosen.text, "\xE2\x82");
  EXPECT_EQ(got.logprobs[0].chosen.logprob, -0.69314718f);
  ASSERT_EQ(got.logprobs[0].top.size(), 2u);
  EXPECT_EQ(got.logprobs[0].top[0].text, "a");
  EXPECT_EQ(got.logprobs[0].top[0].logprob, -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(got.logprobs[0].top[1].logprob));
}

TEST(Wire, CarriesEveryFieldOfAnEnd) {
  const AnswerEnd got = through_reply(AnswerEnd{.reason = AnswerReason::cancelled,
                                                .stop_string = "###",
                                                .prompt_tokens = 1,
                                                .prompt_tokens_cached = 2,
                                                .generated_tokens = 3,
                                                .messages_forgotten = 4,
                                                .context_shifts = 5,
                                                .queue_time = std::chrono::nanoseconds(6),
                                                .prompt_time = std::chrono::nanoseconds(7),
                                                .decode_time = std::chrono::nanoseconds(8),
                                                .seed = 18446744073709551615u,
                                                .ids = {9, 10}});
  EXPECT_EQ(got.reason, AnswerReason::cancelled);
  EXPECT_EQ(got.stop_string, "###");
  EXPECT_EQ(got.prompt_tokens, 1);
  EXPECT_EQ(got.prompt_tokens_cached, 2);
  EXPECT_EQ(got.generated_tokens, 3);
  EXPECT_EQ(got.messages_forgotten, 4);
  EXPECT_EQ(got.context_shifts, 5);
  EXPECT_EQ(got.queue_time.count(), 6);
  EXPECT_EQ(got.prompt_time.count(), 7);
  EXPECT_EQ(got.decode_time.count(), 8);
  EXPECT_EQ(got.seed, 18446744073709551615u);
  EXPECT_THAT(got.ids, ElementsAre(9, 10));
}

TEST(Wire, CarriesTheOtherReplies) {
  const FailedReply failed = through_reply(FailedReply{Errc::unsupported, "no \xFF"});
  EXPECT_EQ(failed.code, Errc::unsupported);
  EXPECT_EQ(failed.message, "no \xFF");
  // The last of the codes.
  EXPECT_EQ(through_reply(FailedReply{Errc::too_long, "9 > 8"}).code, Errc::too_long);
  const Embeddings embeddings = through_reply(Embeddings{{{1.5f, -2}, {}, {3}}, 4});
  EXPECT_THAT(embeddings.vectors,
              ElementsAre(ElementsAre(1.5f, -2.0f), IsEmpty(), ElementsAre(3.0f)));
  EXPECT_EQ(embeddings.prompt_tokens, 4);
  const Relevance relevance = through_reply(Relevance{{0.25f}, 5});
  EXPECT_THAT(relevance.scores, ElementsAre(0.25f));
  EXPECT_EQ(relevance.prompt_tokens, 5);
  EXPECT_EQ(through_reply(TextReply{kHalfCharacter}).text, kHalfCharacter);
  EXPECT_THAT(through_reply(IdsReply{{1}}).ids, ElementsAre(1));
  EXPECT_EQ(through_reply(CountReply{-3}).count, -3);
  EXPECT_EQ(through_reply(LoadedPart{0.1}).fraction, 0.1);
  through_reply(Accepted{});
  const EngineStatus status = through_reply(EngineStatus{1, 2, 3, 4});
  EXPECT_EQ(status.running, 1);
  EXPECT_EQ(status.waiting, 2);
  EXPECT_EQ(status.pages_free, 3);
  EXPECT_EQ(status.pages_total, 4);
}

TEST(Wire, CarriesEveryFieldOfTheFacts) {
  EngineFacts sent{.architecture = "qwen3",
                   .context = 1,
                   .answers_max = 2,
                   .memory_bytes = uint64_t{1} << 60,
                   .device_bytes = 3};
  // One capability at a time: none may stand for another.
  bool Capabilities::*const kAll[] = {&Capabilities::completion, &Capabilities::tools,
                                      &Capabilities::thinking,   &Capabilities::insert,
                                      &Capabilities::embedding,  &Capabilities::rerank};
  for (const auto one : kAll) {
    sent.capabilities = {};
    sent.capabilities.*one = true;
    const EngineFacts got = through_reply(sent);
    EXPECT_EQ(got.capabilities, sent.capabilities);
    EXPECT_EQ(got.architecture, "qwen3");
    EXPECT_EQ(got.context, 1);
    EXPECT_EQ(got.answers_max, 2);
    EXPECT_EQ(got.memory_bytes, uint64_t{1} << 60);
    EXPECT_EQ(got.device_bytes, 3u);
  }
}

TEST(Wire, LaysNumbersAndBytesIntoTheTail) {
  // Kind 6 of Call is DetokenizeCall; -2 in two's complement, little-endian.
  EXPECT_EQ(encode(Call(DetokenizeCall{{1, -2}})),
            frame(R"([6,{"ids":2}])", std::string_view("\1\0\0\0\xFE\xFF\xFF\xFF", 8)));
  EXPECT_EQ(encode(Call(TokenizeCall{"\xFF", true, false})),
            frame(R"([5,{"text":1,"add_special":true,"parse_special":false}])", "\xFF"));
}

TEST(Wire, ReplacesBytesInsideJsonThatAreNoCharacters) {
  AnswerChunk chunk;
  chunk.delta.tool_calls = {{"", "f", {{"x", "a\xFF"}}}};
  EXPECT_EQ(through_reply(chunk).delta.tool_calls[0].arguments["x"], "a\uFFFD");
}

TEST(Wire, RefusesFramesThatAreNotWhole) {
  const std::string whole = encode(Call(RenderCall{full_chat()}));
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(failure_of(whole.substr(0, size)).code, Errc::corrupt_data) << size;
  EXPECT_EQ(failure_of(whole + "x").code, Errc::corrupt_data);
}

TEST(Wire, RefusesWhatIsNotACallAndSaysWhere) {
  struct Row {
    std::string json, tail, message;
  };
  const Row rows[] = {
      {"", "", "not JSON"},
      {"[6,{\"ids\":0}", "", "not JSON"},
      {"7", "", "not a list of 2"},
      {"[9,{}]", "", "9 is not a kind known"},
      {"[-1,{}]", "", "-1 is not an integer in range"},
      {"[6,[]]", "", "array is not an object"},
      {"[6,{}]", "", "'ids' is missing"},
      {R"([6,{"ids":1}])", "abc", "ids: 1 items of 4 bytes, but 3 bytes are left"},
      {R"([6,{"ids":4611686018427387905}])", "abcd", "4611686018427387905 items"},
      {R"([6,{"ids":0}])", "abcd", "4 bytes too many"},
      {R"([6,{"ids":"x"}])", "", "ids: string is not an integer"},
      {R"([5,{"text":"","add_special":1}])", "", "add_special: 1 is not true or false"},
      {R"([2,{"query":"","documents":7}])", "", "documents: 7 is not a list"},
      {R"([2,{"query":"","documents":[],"overflow":2}])", "", "2 is not one of the words known"},
      {R"([1,{"inputs":[[0,"a",1]]}])", "", "inputs: not a list of 2"},
  };
  for (const Row& row : rows) {
    const Failure failure = failure_of(frame(row.json, row.tail));
    EXPECT_EQ(failure.code, Errc::corrupt_data) << row.json;
    EXPECT_THAT(failure.message, HasSubstr(row.message)) << row.json;
  }
}

TEST(Wire, RefusesFramesAboveTheirLimitsBeforeTheyArrive) {
  const auto failure_of_head = [](std::string_view head) {
    return failure_of(std::string(head)).code;
  };
  EXPECT_EQ(failure_of_head(std::string_view("\x01\0\0\x04\0\0\0\0", 8)), Errc::resource_exhausted);
  EXPECT_EQ(failure_of_head(std::string_view("\0\0\0\0\x01\0\0\x10", 8)), Errc::resource_exhausted);
  EXPECT_EQ(frame_body_bytes(std::string_view("\0\0\0\x04\0\0\0\x10", 8)),
            (size_t{64} << 20) + (size_t{256} << 20));
}

TEST(Wire, RefusesToSendMoreThanItsLimits) {
  const std::string text(kFrameJsonBytesMax, 'a');
  try {
    encode(Call(TokenizeCall{text}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::resource_exhausted);
    EXPECT_THAT(error.what(), HasSubstr("the limit is 67108864"));
  }
}

TEST(Wire, RefusesJsonNestedTooDeep) {
  const auto nested = [](int depth) {
    return frame("[6,{\"ids\":" + std::string(static_cast<size_t>(depth), '[') +
                 std::string(static_cast<size_t>(depth), ']') + "}]");
  };
  EXPECT_THAT(failure_of(nested(100'000)).message, HasSubstr("nested deeper than 160"));
  EXPECT_THAT(failure_of(nested(100)).message, HasSubstr("ids: array is not"));
}

TEST(Wire, KnowsUtf8FromOtherBytes) {
  for (const std::string_view text :
       {"", "a", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "aé€🙂"})
    EXPECT_TRUE(is_utf8(text)) << text;
  // Alone, cut, overlong, a surrogate, beyond U+10FFFF.
  for (const std::string_view text :
       {"\x80", "\xC2", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC2\x41",
        "ok\xE2\x82z"})
    EXPECT_FALSE(is_utf8(text)) << text;
}

}  // namespace
}  // namespace hearth::serve
