#include "hearth/store/modelfile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/store/store_folder_for_test.h"

namespace hearth::store {
namespace {

using testing::ElementsAre;

Modelfile parse(std::string_view text) { return parse_modelfile(text, "Modelfile"); }
std::string error(std::string_view text) {
  return message_of([&] { parse(text); });
}

TEST(Modelfile, EveryInstructionIsRead) {
  const Modelfile file = parse(
      "# A comment\n"
      "FROM ./my model.gguf\r\n"
      "  from mmproj.gguf   \n"
      "\n"
      "PARAMETER   temperature \t 0.5\n"
      "parameter stop <|end|>\n"
      "PARAMETER stop \" User:\"\n"
      "PARAMETER mirostat 2\n"
      "TEMPLATE \"\"\"{{ .System }}\n# no comment\n{{ .Prompt }}\"\"\"\n"
      "System You are \"terse\". # still text\n"
      "ADAPTER lora.gguf\n"
      "LICENSE \"\"\"\nMIT\n\"\"\"\n"
      "LICENSE Apache-2.0\n"
      "MESSAGE user Is \xC3\xA9 a letter?\n"
      "MESSAGE Assistant yes\n"
      "RENDERER qwen3\nPARSER qwen3-parser\nREQUIRES 0.14.0\nDRAFT tiny.gguf");
  EXPECT_THAT(file.from, ElementsAre("./my model.gguf", "mmproj.gguf"));
  EXPECT_EQ(print_parameters(file.parameters),
            R"({"stop":["<|end|>"," User:"],"temperature":0.5})");
  EXPECT_THAT(file.retired_parameters, ElementsAre("mirostat"));
  EXPECT_EQ(file.template_text, "{{ .System }}\n# no comment\n{{ .Prompt }}");
  EXPECT_EQ(file.system, "You are \"terse\". # still text");
  EXPECT_THAT(file.adapters, ElementsAre("lora.gguf"));
  EXPECT_THAT(file.licenses, ElementsAre("\nMIT\n", "Apache-2.0"));
  EXPECT_THAT(file.messages, ElementsAre(ModelMessage{"user", "Is \xC3\xA9 a letter?"},
                                         ModelMessage{"assistant", "yes"}));
  EXPECT_EQ(file.renderer, "qwen3");
  EXPECT_EQ(file.parser, "qwen3-parser");
  EXPECT_EQ(file.requires_version, "0.14.0");
  EXPECT_THAT(file.drafts, ElementsAre("tiny.gguf"));
}

// Each pair was read off the state machine of Ollama's parser/parser.go.
TEST(Modelfile, QuotesEndOnlyWhereALineEnds) {
  const auto system_of = [](const std::string& value) {
    return parse("FROM m\nSYSTEM " + value).system;
  };
  EXPECT_EQ(system_of("\"a\" b\n\"\n"), "a\" b\n");  // the line ends with b, so it goes on
  EXPECT_EQ(system_of("\"\"\"a\"\"\" b\n\"\"\""), "a\"\"\" b\n");
  EXPECT_EQ(system_of("\"\"\"a\"\"\"   \nADAPTER x"), "a");  // blanks behind the quotes
  EXPECT_EQ(system_of("\"a\nb\""), "a\nb");                  // one quote spans lines too
  EXPECT_EQ(system_of("\"\""), "");
  EXPECT_EQ(system_of("\"\"\"\"\"\""), "");
  EXPECT_EQ(system_of("\"\"\"\"a\"\"\"\""), "\"a\"");
  EXPECT_EQ(system_of("a \"b\""), "a \"b\"");
  EXPECT_EQ(system_of("a \\\nADAPTER x"), "a \\");  // a backslash continues nothing
  EXPECT_EQ(system_of("\n"), "");
  EXPECT_EQ(system_of("\"\"\"a\r\nb\"\"\"\r\n"), "a\r\nb");
  EXPECT_EQ(parse("FROM m\nSYSTEM a\nSYSTEM b").system, "b");
}

TEST(Modelfile, InvisibleCharactersAreDroppedAndAByteOrderMarkIsSkipped) {
  EXPECT_EQ(parse(std::string_view("\xEF\xBB\xBF"
                                   "FROM m\0\x1b\nSYSTEM a\tb\x7F\n",
                                   23))
                .system,
            "a\tb");
}

TEST(Modelfile, ErrorsNameTheLine) {
  EXPECT_EQ(error("FROM m\n\nPARAMETER num_ctx x\n"),
            "Modelfile:3: parameter num_ctx: 'x' is not an integer of 64 bits");
  EXPECT_EQ(error("FROM m\r\n# c\r\nFORM x"),
            "Modelfile:3: 'FORM' is none of FROM, PARAMETER, TEMPLATE, SYSTEM, ADAPTER, LICENSE, "
            "MESSAGE, DRAFT, RENDERER, PARSER, REQUIRES");
  EXPECT_EQ(error("FROM m\nSYSTEM \"\"\"a\nb\n\"\"\nc"),
            "Modelfile:2: the quotes of the value are not closed at the end of a line");
  EXPECT_EQ(error("FROM m\nMESSAGE robot hi"),
            "Modelfile:2: the role 'robot' is not system, user or assistant");
  EXPECT_EQ(error("FROM m\nMESSAGE user\n"),
            "Modelfile:2: expected a role and a value, found 'user'");
  EXPECT_EQ(error("FROM"), "Modelfile:1: expected an instruction and a value, found 'FROM'");
  EXPECT_EQ(error("FROM m\n$x y"), "Modelfile:2: expected an instruction and a value, found '$x'");
  EXPECT_EQ(error("FROM m\nADAPTER \"\""), "Modelfile:2: a value is missing");
  EXPECT_EQ(error("PARAMETER tempreature 1\nFROM m"),
            "Modelfile:1: unknown parameter 'tempreature'");
  EXPECT_EQ(error("FROM m\nSYSTEM \xFF"), "Modelfile:2: the text is not UTF-8");
  EXPECT_EQ(error("SYSTEM x"), "Modelfile:1: no FROM line");
  EXPECT_EQ(code_of([] { parse(std::string((16 << 20) + 1, ' ')); }), Errc::resource_exhausted);
}

TEST(Modelfile, InvalidUtf8IsRefusedWhereverItIsWrong) {
  for (const std::string_view text :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\xF0\x9F\x98"})
    EXPECT_EQ(error("FROM " + std::string(text)), "Modelfile:1: the text is not UTF-8");
  for (const std::string_view text : {"\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                                      "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_EQ(parse("FROM " + std::string(text)).from[0], text);
}

TEST(Modelfile, WhatIsPrintedReadsBackTheSame) {
  for (const std::string value :
       {"plain", "two words", "", " leading", "trailing ", "\nline", "a\nb", "\"", "\"a\"", "\"a",
        "a\"", "\"\"\"", "a\"\"\"b", "\"\n\"", "tab\t", "a \"\nb"}) {
    Modelfile file;
    file.from = {"m"};
    file.system = value;
    file.template_text = value;
    file.messages = {{"user", value}};
    set_parameter(file.parameters, "stop", value);
    set_parameter(file.parameters, "stop", "b");
    set_parameter(file.parameters, "temperature", "0.1");
    file.licenses = {"a", "b"};
    file.renderer = "r";
    file.retired_parameters = {"numa"};
    EXPECT_EQ(parse(print_modelfile(file)), file) << value;
  }
}

TEST(Modelfile, IsPrintedAsOneWouldWriteIt) {
  Modelfile file;
  file.from = {"qwen3:8b"};
  file.system = "Be terse";
  file.template_text = "{{ .Prompt }}\n";
  file.messages = {{"user", "hi"}};
  set_parameter(file.parameters, "num_ctx", "4096");
  EXPECT_EQ(print_modelfile(file),
            "FROM qwen3:8b\nTEMPLATE \"\"\"{{ .Prompt }}\n\"\"\"\nSYSTEM Be terse\n"
            "PARAMETER num_ctx 4096\nMESSAGE user hi\n");
}

TEST(Modelfile, ARoleOfAStoredModelCannotSmuggleInstructions) {
  Modelfile file;
  file.from = {"m"};
  file.messages = {{"user hi\nFROM /etc/passwd\nMESSAGE user", "ho"}};
  EXPECT_EQ(code_of([&] { print_modelfile(file); }), Errc::unsupported);
}

TEST(Modelfile, ATextThatNoQuotesFitAroundIsAnError) {
  Modelfile file;
  file.from = {"m"};
  file.system = "a\"\"\"\nb";
  EXPECT_EQ(code_of([&] { print_modelfile(file); }), Errc::unsupported);
}

}  // namespace
}  // namespace hearth::store
