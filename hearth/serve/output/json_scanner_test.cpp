#include "hearth/serve/output/json_scanner.h"

#include <gtest/gtest.h>

#include "hearth/serve/output/call_json.h"

namespace hearth::serve {
namespace {

using Verdict = JsonScanner::Verdict;

// How scanning ends, and at which byte.
std::pair<Verdict, size_t> scan(std::string_view text, const JsonLimits& limits = {}) {
  JsonScanner scanner(limits);
  for (size_t i = 0; i < text.size(); ++i)
    if (const Verdict verdict = scanner.push(text[i]); verdict != Verdict::more)
      return {verdict, i};
  return {Verdict::more, text.size()};
}

TEST(JsonScanner, EndsWhereTheOutermostBracketCloses) {
  for (const char* text :
       {"{}", "[]", " [ ] ", R"({"a":1})", R"([1, -2.5e+3, true, false, null, "x"])",
        R"({"a": {"b": [[], {}]}, "c": "}]\"\\\u00e4"})", "[\n1\t,\r2]"}) {
    const std::string_view trimmed = trim_space(text);
    EXPECT_EQ(scan(trimmed), std::make_pair(Verdict::done, trimmed.size() - 1)) << text;
    EXPECT_TRUE(parse_json(text)) << text;
  }
}

TEST(JsonScanner, NamesTheFirstByteThatIsNoJson) {
  struct Case {
    const char* text;
    size_t at;
  };
  for (const auto& [text, at] :
       {Case{"1", 0}, Case{"\"a\"", 0}, Case{"{,", 1}, Case{"{1", 1}, Case{"{\"a\" 1", 5},
        Case{"{\"a\":}", 5}, Case{"{\"a\":1,}", 7}, Case{"[1,]", 3}, Case{"[1 2", 3},
        Case{"[tru]", 4}, Case{"[}", 1}, Case{"{]", 1}, Case{"[{]", 2}, Case{"[\"\\x", 3},
        Case{"[\"\\u12g", 6}, Case{"[\"\n", 2}, Case{"[a", 1}})
    EXPECT_EQ(scan(text), std::make_pair(Verdict::invalid, at)) << text;
}

TEST(JsonScanner, WaitsWhileTheTextIsABeginning) {
  for (const char* text : {"", "{", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":1", "[\"]", "[1,", "[tr"})
    EXPECT_EQ(scan(text).first, Verdict::more) << text;
}

TEST(JsonScanner, LimitsAreInclusive) {
  EXPECT_EQ(scan("[[[]]]", {.nesting_max = 3}).first, Verdict::done);
  EXPECT_EQ(scan("[[[[]]]]", {.nesting_max = 3}), std::make_pair(Verdict::too_deep, size_t{3}));
  EXPECT_EQ(scan(R"({"a":1})", {.values_max = 3}).first, Verdict::done);
  EXPECT_EQ(scan(R"({"a":1})", {.values_max = 2}),
            std::make_pair(Verdict::too_many_values, size_t{5}));
}

TEST(JsonScanner, ParsingRefusesWhatTheScanLetsThrough) {
  EXPECT_FALSE(parse_json("[1-2]"));
  EXPECT_FALSE(parse_json("[01]"));
  EXPECT_FALSE(parse_json("[1e999]"));
  EXPECT_FALSE(parse_json("[\"\xFF\"]"));
  EXPECT_FALSE(parse_json("[\"\\ud800\"]"));
  EXPECT_FALSE(parse_json("{} {}"));
  EXPECT_FALSE(parse_json("{"));
}

TEST(CallJson, ReadsEveryKnownShape) {
  for (const char* text :
       {R"({"name": "f", "arguments": {"a": 1}})", R"({"parameters": {"a": 1}, "name": "f"})",
        R"({"type": "function", "function": {"name": "f", "arguments": {"a": 1}}})",
        R"({"name": "f", "arguments": "{\"a\": 1}"})"}) {
    const std::vector<ToolCall> calls = read_calls(Json::parse(text), {});
    ASSERT_EQ(calls.size(), 1u) << text;
    EXPECT_EQ(calls[0].name, "f");
    EXPECT_EQ(calls[0].arguments.dump(), R"({"a":1})");
  }
}

TEST(CallJson, RefusesMalformedCalls) {
  for (const char* text : {"[]", "{}", "[1]", R"({"name": ""})", R"({"name": 1})",
                           R"({"name": "f", "arguments": [1]})",
                           R"({"name": "f", "arguments": "x"})", R"([{"name": "f"}, {}])"})
    EXPECT_TRUE(read_calls(Json::parse(text), {}).empty()) << text;
}

TEST(CallJson, TheFirstKeyTellsWhatCannotBeACall) {
  for (const char* text : {"", "{", " [ {", "{\"", "{\"na", "[{\"name\"", "{\"parameters\": 1"})
    EXPECT_TRUE(may_be_call(text)) << text;
  for (const char* text : {"{}", "[1", "[[", "[\"", "{\"x", "{\"names\"", "{\"nam\""})
    EXPECT_FALSE(may_be_call(text)) << text;
}

}  // namespace
}  // namespace hearth::serve
