#include "hearth/serve/output/tool_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/base/error.h"
#include "hearth/serve/output/answer_samples_for_test.h"

namespace hearth::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = ToolChoice::Kind;

AnswerDelta answer(std::vector<ToolCall> calls) { return {.tool_calls = std::move(calls)}; }

ToolCall clock_call() { return {.id = "1", .name = "clock"}; }
ToolCall weather_call(const char* arguments) {
  return {.id = "2", .name = "weather", .arguments = Json::parse(arguments)};
}

TEST(ToolChoice, AnAnswerThatKeepsToItHasNoViolations) {
  const std::vector<Tool> tools = sample_tools();
  const AnswerDelta both = answer({clock_call(), weather_call(R"({"city": "Oslo", "days": "x"})")});
  EXPECT_THAT(violations(both, tools, {}), IsEmpty());
  EXPECT_THAT(violations(both, tools, {.kind = Kind::required}), IsEmpty());
  EXPECT_THAT(violations(answer({}), tools, {}), IsEmpty());
  EXPECT_THAT(violations(answer({}), tools, {.kind = Kind::none}), IsEmpty());
  EXPECT_THAT(violations(answer({clock_call()}), tools, {.kind = Kind::named, .name = "clock"}),
              IsEmpty());
}

TEST(ToolChoice, EachWayToBreakItIsNamed) {
  const std::vector<Tool> tools = sample_tools();
  EXPECT_THAT(violations(answer({}), tools, {.kind = Kind::required}),
              ElementsAre("no tool was called, but a call is required"));
  EXPECT_THAT(violations(answer({clock_call()}), tools, {.kind = Kind::none}),
              ElementsAre("'clock' was called, but no call is allowed"));
  EXPECT_THAT(violations(answer({clock_call()}), tools, {.kind = Kind::named, .name = "weather"}),
              ElementsAre("'clock' was called instead of 'weather'"));
  EXPECT_THAT(violations(answer({clock_call(), clock_call()}), tools, {.allows_parallel = false}),
              ElementsAre("2 calls, but only one is allowed"));
}

TEST(ToolChoice, NamesOfToolsAndArgumentsAreChecked) {
  const std::vector<Tool> tools = sample_tools();
  EXPECT_THAT(violations(answer({{.name = "rain"}}), tools, {}),
              ElementsAre("there is no tool 'rain'"));
  EXPECT_THAT(
      violations(answer({weather_call(R"({"town": "Oslo"})")}), tools, {}),
      ElementsAre("'weather' has no parameter 'town'", "'weather' lacks its argument 'city'"));
  // No names are declared for the clock's arguments: any may stand.
  EXPECT_THAT(violations(answer({{.name = "clock", .arguments = {{"zone", "UTC"}}}}), tools, {}),
              IsEmpty());
  std::vector<Tool> open = tools;
  open[0].parameters["additionalProperties"] = true;
  EXPECT_THAT(violations(answer({weather_call(R"({"city": "Oslo", "x": 1})")}), open, {}),
              IsEmpty());
}

TEST(ToolChoice, TheModelIsShownWhatItMayCall) {
  EXPECT_EQ(offered_tools(sample_tools(), {}).size(), 2u);
  EXPECT_THAT(offered_tools(sample_tools(), {.kind = Kind::none}), IsEmpty());
  const std::vector<Tool> one =
      offered_tools(sample_tools(), {.kind = Kind::named, .name = "clock"});
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].name, "clock");
}

TEST(ToolChoice, AChoiceThatCannotBeMetIsRefused) {
  const auto refusal = [](std::vector<Tool> tools, const ToolChoice& choice) -> std::string {
    try {
      offered_tools(std::move(tools), choice);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument);
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(refusal(sample_tools(), {.kind = Kind::named, .name = "rain"}),
              HasSubstr("'rain' is none of the 2 tools"));
  EXPECT_THAT(refusal({}, {.kind = Kind::required}), HasSubstr("there are no tools"));
}

}  // namespace
}  // namespace hearth::serve
