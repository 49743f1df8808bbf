#include <gtest/gtest.h>

#include <string>

#include "hearth/llm/grammar/grammar_testing.h"
#include "hearth/llm/grammar/json_gbnf.h"

namespace hearth::llm {
namespace {

class JsonGrammar : public testing::Test {
 protected:
  Automaton automaton_ = automaton_of(kJsonGbnf);
};

TEST_F(JsonGrammar, ReadsValidTexts) {
  for (const char* text : {
           "{}",
           "[]",
           "0",
           "-0",
           "12",
           "-1.5e+10",
           "0.0",
           "1E5",
           "true",
           "false",
           "null",
           "\"\"",
           " [ 1 , 2 ] ",
           "\t{\r\n \"a\" : 1 ,\"b\": [ { } ] } ",
           "[[[[[]]]]]",
           R"("\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00")",
           "\"Grüße, 漢字 😀\"",
           "[\"\x7F\"]",
           R"({"a":{"b":{"c":[null,true,-2.5E-3]}},"a":""})",
       })
    EXPECT_TRUE(read(automaton_, text).is_complete) << text;
}

TEST_F(JsonGrammar, RefusesInvalidTextsAtTheByteThatIsWrong) {
  // The text up to | can still become JSON; with the next byte it cannot.
  for (const char* marked : {
           "0|1",         "-|a",       "1.|e",        "|.5",         "|+1",     "1e|e",
           "t|a",         "nul|i",     "|'a'",        "[1|;",        "[|,",     "[1,|]",
           "{\"a\"|,",    "{\"a\":|}", "{\"a\":1,|}", "{|a",         "{|1",     "\"\\|x",
           "\"\\u12|g",   "\"a|\n",    "\"|\t",       "[]|]",        "{}|{",    "1 |2",
           "\"\"|\"",     "\"\xC3|\"", "\"|\xFF",     "\"\xED|\xA0", "\"|\xC0", "\"\xF4|\x90",
           "\"\xE0|\x80", "|\xEF",     "[1] |#",
       }) {
    const std::string text = marked;
    const size_t mark = text.find('|');
    const std::string before = text.substr(0, mark);
    EXPECT_TRUE(read(automaton_, before).is_viable) << marked;
    EXPECT_FALSE(read(automaton_, before + text[mark + 1]).is_viable) << marked;
  }
}

TEST_F(JsonGrammar, EveryBeginningOfAValidTextIsViableWhereverItIsCut) {
  const std::string text = R"({"Größe":[1.25e-3,"漢😀\n",null,{"":[]}],"b":true})";
  Automaton::State state = automaton_.start();
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(automaton_.is_complete(state)) << i;
    state = automaton_.next(state, static_cast<uint8_t>(text[i]));
    ASSERT_NE(state, Automaton::kDead) << i;
  }
  EXPECT_TRUE(automaton_.is_complete(state));
}

TEST_F(JsonGrammar, WhiteSpaceIsBounded) {
  EXPECT_TRUE(read(automaton_, "[" + std::string(20, ' ') + "]").is_complete);
  EXPECT_FALSE(read(automaton_, "[" + std::string(21, ' ')).is_viable);
}

TEST_F(JsonGrammar, TextOfAKindThatWasReadAddsNoStates) {
  EXPECT_TRUE(read(automaton_, R"([{"a":"x"},{"b":"yz"}])").is_complete);
  const size_t states = automaton_.state_count();
  std::string text = R"([{"a":"x"})";
  for (int i = 0; i < 1000; ++i) text += R"(,{"b":"yzzy x"})";
  EXPECT_TRUE(read(automaton_, text + "]").is_complete);
  EXPECT_EQ(automaton_.state_count(), states);
}

}  // namespace
}  // namespace hearth::llm
