#include "hearth/llm/grammar/gbnf.h"

#include <gtest/gtest.h>

#include <string>

#include "hearth/base/error.h"
#include "hearth/llm/grammar/grammar_testing.h"

namespace hearth::llm {
namespace {

std::string error_of(std::string_view source, const GbnfLimits& limits = {}) {
  try {
    parse_gbnf(source, limits);
  } catch (const Error& e) {
    return fmt::format("{}: {}", name(e.code()), e.what());
  }
  return "no error";
}

TEST(Gbnf, AlternativesAndSequencesReadAsWritten) {
  const char* yes_no = R"(root ::= "yes" " " "sir" | "no")";
  EXPECT_TRUE(matches(yes_no, "yes sir"));
  EXPECT_TRUE(matches(yes_no, "no"));
  EXPECT_FALSE(matches(yes_no, "yes no"));
  EXPECT_FALSE(matches(yes_no, "yes"));
  EXPECT_FALSE(matches(yes_no, ""));
}

TEST(Gbnf, AnAlternativeMayBeEmpty) {
  for (const char* source : {R"(root ::= | "a")", R"(root ::= "a" |)", R"(root ::= ("a" | ))"}) {
    EXPECT_TRUE(matches(source, "")) << source;
    EXPECT_TRUE(matches(source, "a")) << source;
    EXPECT_FALSE(matches(source, "aa")) << source;
  }
}

TEST(Gbnf, RulesEndWithTheirLineExceptWhereMoreMustFollow) {
  const char* source =
      "# a list\r\n"
      "root ::= # what it is\n"
      "  item (\n"
      "    \",\"  # between\n"
      "    item\n"
      "  )* |\n"
      "  \"none\" # or nothing\n"
      "\n"
      "item ::= [a-c]";
  EXPECT_TRUE(matches(source, "a,b,c"));
  EXPECT_TRUE(matches(source, "none"));
  EXPECT_FALSE(matches(source, "a,"));
}

TEST(Gbnf, RepetitionsCount) {
  struct Case {
    const char* repetition;
    int min, max;
  };
  for (const Case& c :
       {Case{"*", 0, 9}, Case{"+", 1, 9}, Case{"?", 0, 1}, Case{"{3}", 3, 3}, Case{"{2,}", 2, 9},
        Case{"{ 2 , 4 }", 2, 4}, Case{"{0,0}", 0, 0}, Case{"{0,2}", 0, 2}, Case{"{2}{2}", 4, 4}}) {
    const std::string source = fmt::format("root ::= \"ab\"{}", c.repetition);
    std::string text;
    for (int count = 0; count <= 9; ++count, text += "ab")
      EXPECT_EQ(matches(source, text), c.min <= count && count <= c.max) << source << " " << count;
  }
}

TEST(Gbnf, CharacterSetsKnowRangesNegationAndEscapes) {
  const char* source = R"(root ::= [a-cx\]\-\u00E4-\u00FC\n-])";
  for (const char* in : {"a", "b", "c", "x", "]", "-", "ä", "ö", "ü", "\n"})
    EXPECT_TRUE(matches(source, in)) << in;
  for (const char* out : {"d", "ab", "ý", "\\", "n", "\xC3"}) EXPECT_FALSE(matches(source, out));
  const char* negated = R"(root ::= [^a-c\x22é])";
  for (const char* in : {"d", "\n", "è", "漢", "😀"}) EXPECT_TRUE(matches(negated, in)) << in;
  for (const char* out : {"a", "\"", "é", "\xE9", "\xED\xA0\x80"})
    EXPECT_FALSE(matches(negated, out)) << out;
}

TEST(Gbnf, LiteralsKnowEscapesAndAnyCharacterIsOne) {
  const char* source = R"(root ::= "\"\\\n\t\r\x41\u00e9\U0001F600é" . ".")";
  EXPECT_TRUE(matches(source, "\"\\\n\t\rAé😀é漢."));
  EXPECT_FALSE(matches(source, "\"\\\n\t\rAé😀é漢漢."));
  EXPECT_TRUE(matches("root ::= .", "\n"));
}

TEST(Gbnf, NamesHaveLettersDigitsHyphensAndUnderscores) {
  EXPECT_TRUE(matches("root ::= a-1 b_2\na-1::=\"x\"\nb_2  ::= \"y\"", "xy"));
}

TEST(Gbnf, ErrorsNameLineColumnAndWhatWasExpected) {
  const std::string bad = "invalid_argument: grammar, ";
  const std::pair<const char*, const char*> cases[] = {
      {"root = \"a\"", "line 1, column 6: expected '::=', found '='"},
      {"root", "line 1, column 5: expected '::=', found the end of the text"},
      {"::= \"a\"", "line 1, column 1: expected a rule's name, found ':'"},
      {"root ::= \"a",
       "line 1, column 12: expected the literal's closing '\"', found the end of the "
       "text"},
      {"root ::= \"é\" %",
       "line 1, column 14: expected an item, '|' or the end of the rule, found "
       "'%'"},
      {"root ::= \"a\"\nb ::= (\"c\"\n",
       "line 3, column 1: expected an item, '|' or ')', found the "
       "end of the text"},
      {"root ::= )", "line 1, column 10: expected an item, '|' or the end of the rule, found ')'"},
      {"root ::= [a",
       "line 1, column 12: expected the set's closing ']', found the end of the text"},
      {"root ::= []", "line 1, column 11: expected a character in the set, found ']'"},
      {"root ::= [^]", "line 1, column 12: expected a character in the set, found ']'"},
      {"root ::= [z-a]", "line 1, column 11: the range's last character comes before its first"},
      {"root ::= [^\\x00-\\U0010FFFF]", "line 1, column 10: the set leaves no character"},
      {"root ::= [a-",
       "line 1, column 13: expected the range's last character, found the end of "
       "the text"},
      {"root ::= \"\\q\"",
       "line 1, column 12: expected one of n r t x u U \\ \" [ ] - ^ after the "
       "backslash, found 'q'"},
      {"root ::= \"\\x4g\"", "line 1, column 14: expected 2 hexadecimal digits, found 'g'"},
      {"root ::= \"\\uD800\"", "line 1, column 13: U+D800 is no character"},
      {"root ::= \"\\UFFFFFFFF\"", "line 1, column 13: U+FFFFFFFF is no character"},
      {"root ::= *", "line 1, column 10: expected an item before the repetition, found '*'"},
      {"root ::= \"a\" | {2}",
       "line 1, column 16: expected an item before the repetition, found "
       "'{'"},
      {"root ::= \"a\"{,2}", "line 1, column 14: expected a number of repetitions, found ','"},
      {"root ::= \"a\"{2", "line 1, column 15: expected ',' or '}', found the end of the text"},
      {"root ::= \"a\"{2,3;", "line 1, column 17: expected '}', found ';'"},
      {"root ::= \"a\"{3,2}", "line 1, column 13: {3,2} has more repetitions first than last"},
      {"root ::= \"\xFF\"", "line 1, column 11: expected a character in UTF-8, found byte 0xFF"},
      {"root ::= a\n\nb ::= c", "line 1, column 10: rule 'a' is not defined"},
      {"root ::= \"a\"\nroot ::= \"b\"", "line 2, column 1: rule 'root' is defined twice"},
  };
  for (const auto& [source, message] : cases) EXPECT_EQ(error_of(source), bad + message) << source;
}

TEST(Gbnf, ErrorsOfTheWholeGrammarNameTheRule) {
  EXPECT_EQ(error_of(""), "invalid_argument: grammar: has no rule 'root', which is the whole text");
  EXPECT_EQ(error_of("start ::= \"a\""),
            "invalid_argument: grammar: has no rule 'root', which is the whole text");
  EXPECT_EQ(error_of("root ::= root \"a\" | \"b\""),
            "invalid_argument: grammar: rule 'root' is left-recursive: root -> root");
  EXPECT_EQ(error_of("root ::= \"x\" a\na ::= ws b\nb ::= \"y\" | a \"z\"\nws ::= \" \"*"),
            "invalid_argument: grammar: rule 'a' is left-recursive: a -> b -> a");
  EXPECT_EQ(error_of("root ::= \"a\" | b\nb ::= \"b\" b"),
            "invalid_argument: grammar: rule 'b' can never end");
  EXPECT_EQ(error_of("root ::= <[1000]>"),
            "unsupported: grammar, line 1, column 10: token terminals are not supported; write the "
            "text itself");
}

TEST(Gbnf, LimitsAreNamed) {
  const std::string over = "resource_exhausted: ";
  EXPECT_EQ(error_of("root ::= \"a\"", {.source_bytes_max = 5}),
            over + "grammar: 12 bytes, at most 5 are allowed");
  EXPECT_EQ(error_of("root ::= ((\"a\"))", {.group_depth_max = 1}),
            over + "grammar, line 1, column 11: parentheses nest deeper than 1 levels");
  EXPECT_EQ(error_of("root ::= \"a\"{10001}"),
            over + "grammar, line 1, column 14: more than 10000 repetitions");
  EXPECT_EQ(error_of("root ::= a\na ::= \"a\"", {.grammar = {.rules_max = 1}}),
            over + "grammar: more than 1 rules");
  EXPECT_EQ(error_of("root ::= \"a\"****", {.grammar = {.nesting_max = 4}}),
            over + "grammar: expressions nest deeper than 4 levels");
  EXPECT_EQ(error_of("root ::= \"a\" \"b\"", {.grammar = {.expressions_max = 2}}),
            over + "grammar: more than 2 expressions");
  EXPECT_EQ(error_of("root ::= \"abc\"{1000}{1000}"),
            over + "grammar: expands to more than 250000 positions");
  EXPECT_EQ(error_of("root ::= \"\"{10000}{10000}{10000}"),
            over + "grammar: expands to more than 4000000 expressions");
  EXPECT_EQ(error_of("root ::= (\"a\"?){2000}", {.grammar = {.links_max = 100'000}}),
            over + "grammar: expands to more than 100000 links");
}

}  // namespace
}  // namespace hearth::llm
