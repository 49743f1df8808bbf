#include "hearth/serve/schema/pattern.h"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <regex>

#include "hearth/base/error.h"
#include "hearth/base/rng.h"
#include "hearth/llm/grammar/automaton.h"

namespace hearth::serve {
namespace {

llm::Automaton automaton_of(std::string_view pattern, const Counts& length = {}) {
  llm::GrammarBuilder builder;
  JsonText json(builder);
  const Rule root = builder.declare("root");
  builder.define(root, strings_of_pattern(builder, json, pattern, length, "#"));
  return llm::Automaton(std::make_shared<llm::Grammar>(builder.build(root)));
}

bool accepts(llm::Automaton& automaton, const std::string& text) {
  return automaton.is_complete(automaton.next(automaton.start(), nlohmann::json(text).dump()));
}

std::string refusal(std::string_view pattern, Errc code, const Counts& length = {}) {
  try {
    automaton_of(pattern, length);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  return "accepted";
}

// All strings of up to four characters of an alphabet that the patterns speak of.
TEST(Pattern, MatchesWhatTheStandardLibrarysEngineFinds) {
  const std::string alphabet = "ab1-\"\\ ";
  std::vector<std::string> texts = {""};
  for (size_t i = 0; i < texts.size() && texts[i].size() < 4; ++i)
    for (const char c : alphabet) texts.push_back(texts[i] + c);
  for (const char* pattern : {"a",
                              "^a",
                              "a$",
                              "^a$",
                              "^$",
                              "",
                              "^(a|b)*$",
                              "^a*b+1?$",
                              "^[ab]{2,3}$",
                              "^[^ab]+$",
                              "^\\d\\w$",
                              "^\\D+$",
                              "^(?:ab)+$",
                              "^a|b$",
                              "^(a|)b$",
                              "^.\\\\.$",
                              "^\"+$",
                              "^[a-b1-]*$",
                              "^(a?b?)+1$",
                              "^\\s\\S?$",
                              "^a{2}$",
                              "^a{0}b$",
                              "^(a{1,2}){2}$",
                              "^[\\d-]+$",
                              "^(?<name>a)b$",
                              "^[\\\\\"]{2}$",
                              "^a+?b*?$",
                              "^\\x61\\u0062$",
                              "^((a|b)(1|-))*$",
                              "^[^\\d]$"}) {
    SCOPED_TRACE(pattern);
    auto automaton = automaton_of(pattern);
    std::string known = pattern;  // std::regex knows no named groups
    if (const size_t at = known.find("?<name>"); at != std::string::npos)
      known.replace(at, 7, "?:");
    const std::regex oracle(known);
    int found = 0;
    for (const std::string& text : texts) {
      const bool expected = std::regex_search(text, oracle);
      ASSERT_EQ(accepts(automaton, text), expected) << text;
      found += expected;
    }
    EXPECT_GT(found, 0);
  }
}

TEST(Pattern, CharactersBeyondAsciiAreOneEach) {
  auto any = automaton_of("^.{2}$");
  EXPECT_TRUE(accepts(any, "é😀"));
  EXPECT_FALSE(accepts(any, "é"));
  auto set = automaton_of("^[à-ü]\\u{1F600}$");
  EXPECT_TRUE(accepts(set, "é😀"));
  EXPECT_FALSE(accepts(set, "e😀"));
}

TEST(Pattern, ControlCharactersAreEscapedAndLineEndsAreNoAnyCharacter) {
  auto any = automaton_of("^.$");
  EXPECT_TRUE(accepts(any, "\t"));
  EXPECT_FALSE(accepts(any, "\n"));
  auto bell = automaton_of("^\\x07$");
  EXPECT_TRUE(accepts(bell, "\a"));
}

TEST(Pattern, ANegatedSetLeavesOutEveryBlank) {
  auto set = automaton_of("^[^@\\s]$");
  for (const char* blank : {" ", "\t", "\f", "\u00a0", "\u2003", "@"})
    EXPECT_FALSE(accepts(set, blank)) << blank;
  EXPECT_TRUE(accepts(set, "é"));
  auto word = automaton_of("^[^\\W]$");
  EXPECT_TRUE(accepts(word, "a"));
  EXPECT_FALSE(accepts(word, "é"));
}

TEST(Pattern, LengthsNarrowOneRepeatedSetAndAreMetByOthers) {
  auto set = automaton_of("^[ab]+$", {.min = 2, .max = 3});
  EXPECT_FALSE(accepts(set, "a"));
  EXPECT_TRUE(accepts(set, "ab"));
  EXPECT_TRUE(accepts(set, "abb"));
  EXPECT_FALSE(accepts(set, "abba"));
  auto met = automaton_of("^ab?1$", {.min = 1, .max = 3});
  EXPECT_TRUE(accepts(met, "ab1"));
  EXPECT_EQ(refusal("^(ab)+$", Errc::unsupported, {.min = 0, .max = 3}),
            "#: pattern '^(ab)+$' cannot be joined with minLength and maxLength, at character 7");
}

TEST(Pattern, WhatIsNotSupportedOrNoPatternIsSaidWithItsPlace) {
  EXPECT_EQ(
      refusal("^(?=a)b$", Errc::unsupported),
      "#: pattern '^(?=a)b$' has a lookaround or a flag, which is not supported, at character 3");
  EXPECT_EQ(refusal("^(?<!a)b$", Errc::unsupported),
            "#: pattern '^(?<!a)b$' has a lookbehind, which is not supported, at character 4");
  EXPECT_EQ(refusal("(a)\\1", Errc::unsupported),
            "#: pattern '(a)\\1' has an escape that is not supported, at character 5");
  EXPECT_EQ(refusal("\\bword", Errc::unsupported),
            "#: pattern '\\bword' has an escape that is not supported, at character 2");
  EXPECT_EQ(refusal("(^a)", Errc::unsupported),
            "#: pattern '(^a)' has an anchor inside, which is not supported, at character 1");
  EXPECT_EQ(refusal("a^b", Errc::unsupported),
            "#: pattern 'a^b' has an anchor inside, which is not supported, at character 1");
  EXPECT_EQ(refusal("abc", Errc::unsupported, {.min = 0, .max = 9}),
            "#: pattern 'abc' without ^ and $ cannot be joined with maxLength, at character 3");
  for (const char* pattern :
       {"a)", "(a", "[a", "a{2", "a{3,2}", "*a", "a\\", "[b-a]", "\\u12", "a**", "a{x}"})
    EXPECT_NE(refusal(pattern, Errc::invalid_argument), "accepted") << pattern;
  EXPECT_NE(refusal("a{10001}", Errc::resource_exhausted), "accepted");
  EXPECT_NE(refusal(std::string(60, '(') + "a" + std::string(60, ')'), Errc::resource_exhausted),
            "accepted");
}

}  // namespace
}  // namespace hearth::serve
