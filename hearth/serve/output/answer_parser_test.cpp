#include "hearth/serve/output/answer_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/base/error.h"
#include "hearth/serve/output/answer_samples_for_test.h"

namespace hearth::serve {
namespace {

using testing::HasSubstr;

AnswerOptions options(CallStyle calls, ThinkingStyle thinking = ThinkingStyle::none) {
  return {.style = {calls, thinking}, .tools = sample_tools()};
}

std::string content_of(const std::vector<AnswerDelta>& deltas) { return join(deltas).content; }

std::string error_of(AnswerOptions with, std::string_view text) {
  AnswerParser parser(std::move(with));
  try {
    parser.feed(text);
    parser.finish();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::resource_exhausted);
    return error.what();
  }
  return "no error";
}

TEST(AnswerParser, ContentComesOutAtOnce) {
  AnswerParser parser(options(CallStyle::hermes));
  EXPECT_EQ(content_of(parser.feed("Hel")), "Hel");
  EXPECT_EQ(content_of(parser.feed("lo,")), "lo,");
  EXPECT_EQ(content_of(parser.feed(" ")), "");
  EXPECT_EQ(content_of(parser.feed("you")), " you");
}

TEST(AnswerParser, OnlyWhatMayBecomeATagIsHeldBack) {
  AnswerParser parser(options(CallStyle::hermes));
  EXPECT_EQ(content_of(parser.feed("a <b> <tool")), "a <b>");
  EXPECT_EQ(content_of(parser.feed("_ca")), "");
  EXPECT_EQ(content_of(parser.feed("r> <")), " <tool_car>");
  EXPECT_EQ(content_of(parser.feed("x")), " <x");
}

TEST(AnswerParser, JsonThatIsNoCallStreamsFromItsFirstKey) {
  AnswerParser parser(options(CallStyle::llama));
  EXPECT_EQ(content_of(parser.feed("{\"")), "");
  EXPECT_EQ(content_of(parser.feed("n")), "");
  EXPECT_EQ(content_of(parser.feed("ote")), "{\"note");
  EXPECT_EQ(content_of(parser.feed("\": [1")), "\": [1");
}

TEST(AnswerParser, AnUnfinishedCharacterWaits) {
  AnswerParser parser(options(CallStyle::hermes));
  EXPECT_EQ(content_of(parser.feed("a\xF0\x9F")), "a");
  EXPECT_EQ(content_of(parser.feed("\xA7")), "");
  EXPECT_EQ(content_of(parser.feed("\xA5")), "🧥");
  EXPECT_EQ(content_of(parser.feed("\xC3")), "");
  EXPECT_EQ(content_of(parser.finish()), "\xC3");
}

TEST(AnswerParser, CallsComeOutWholeAsSoonAsTheyEnd) {
  AnswerParser parser(options(CallStyle::mistral));
  EXPECT_TRUE(parser.feed("[TOOL_CALLS]clock[ARGS]{").empty());
  const std::vector<AnswerDelta> deltas = parser.feed("}");
  ASSERT_EQ(deltas.size(), 1u);
  ASSERT_EQ(deltas[0].tool_calls.size(), 1u);
  EXPECT_EQ(deltas[0].tool_calls[0].name, "clock");
}

TEST(AnswerParser, DeltasKeepTheOrderOfTheAnswer) {
  AnswerParser parser(options(CallStyle::hermes, ThinkingStyle::think_tags));
  const std::vector<AnswerDelta> deltas =
      parser.feed("<think>t</think>a<tool_call>{\"name\":\"clock\"}</tool_call>b");
  ASSERT_EQ(deltas.size(), 2u);
  EXPECT_EQ(deltas[0].thinking, "t");
  EXPECT_EQ(deltas[0].content, "a");
  EXPECT_EQ(deltas[0].tool_calls.size(), 1u);
  EXPECT_EQ(deltas[1].content, "b");
}

TEST(AnswerParser, IdsAreTheModelsOwnOrMade) {
  AnswerParser mistral(options(CallStyle::mistral));
  const AnswerDelta answer =
      join(mistral.feed("[TOOL_CALLS]clock[CALL_ID]abcdefghi[ARGS]{}[TOOL_CALLS]clock[ARGS]{}"));
  ASSERT_EQ(answer.tool_calls.size(), 2u);
  EXPECT_EQ(answer.tool_calls[0].id, "abcdefghi");
  EXPECT_THAT(answer.tool_calls[1].id, testing::MatchesRegex("[0-9A-Za-z]{9}"));
  AnswerParser llama(options(CallStyle::llama));
  const AnswerDelta other = join(llama.feed(R"({"name": "clock"};{"name": "clock"})"));
  ASSERT_EQ(other.tool_calls.size(), 2u);
  EXPECT_THAT(other.tool_calls[0].id, testing::MatchesRegex("call_[0-9A-Za-z]{8}"));
  EXPECT_NE(other.tool_calls[0].id, other.tool_calls[1].id);
}

TEST(AnswerParser, ArgumentsKeepTheOrderOfTheirKeys) {
  AnswerParser parser(options(CallStyle::hermes));
  const AnswerDelta answer = join(parser.feed(
      R"(<tool_call>{"name": "x", "arguments": {"z": 1, "a": 2, "m": 3}}</tool_call>)"));
  ASSERT_EQ(answer.tool_calls.size(), 1u);
  EXPECT_EQ(answer.tool_calls[0].arguments.dump(), R"({"z":1,"a":2,"m":3})");
}

TEST(AnswerParser, WithoutToolsCallsAreContent) {
  AnswerParser parser({.style = {CallStyle::hermes, ThinkingStyle::think_tags}});
  const std::string text = "<tool_call>{\"name\": \"clock\"}</tool_call>";
  EXPECT_EQ(content_of(parser.feed("<think>x</think>" + text)), text);
}

TEST(AnswerParser, LimitsAreNamed) {
  AnswerOptions with = options(CallStyle::hermes);
  with.limits = {.call_bytes_max = 40, .calls_max = 2, .json = {.nesting_max = 3, .values_max = 5}};
  EXPECT_THAT(error_of(with, "<tool_call>{\"name\":\"" + std::string(30, 'x')),
              HasSubstr("longer than 40 bytes"));
  EXPECT_THAT(error_of(with, "<tool_call>{\"a\":[[["), HasSubstr("nested deeper than 3"));
  EXPECT_THAT(error_of(with, "<tool_call>[1,1,1,1,1"), HasSubstr("more than 5 values"));
  const std::string call = "<tool_call>{\"name\":\"a\"}</tool_call>";
  EXPECT_EQ(error_of(with, call + call), "no error");
  EXPECT_THAT(error_of(with, call + call + call), HasSubstr("more than 2 tool calls"));
}

TEST(AnswerParser, LimitsHoldBehindEveryPromise) {
  const std::string deep = "{\"a\":" + std::string(70, '[');
  EXPECT_THAT(error_of(options(CallStyle::mistral), "[TOOL_CALLS]x[ARGS]" + deep),
              HasSubstr("nested deeper than 64"));
  EXPECT_THAT(error_of(options(CallStyle::kimi),
                       "<|tool_calls_section_begin|><|tool_call_begin|>functions.x:0"
                       "<|tool_call_argument_begin|>" +
                           deep + "<|tool_call_end|>"),
              HasSubstr("nested deeper than 64"));
  EXPECT_THAT(error_of(options(CallStyle::harmony, ThinkingStyle::harmony),
                       "<|channel|>commentary to=functions.x<|message|>" + deep + "<|call|>"),
              HasSubstr("nested deeper than 64"));
}

TEST(AnswerParser, JsonWithoutAPromiseMayPassTheLimits) {
  AnswerOptions with = options(CallStyle::llama);
  with.limits.call_bytes_max = 20;
  AnswerParser parser(with);
  const std::string text = R"({"name": "a long answer in JSON", "x": 1})";
  EXPECT_EQ(content_of(parser.feed(text)) + content_of(parser.finish()), text);
}

}  // namespace
}  // namespace hearth::serve
