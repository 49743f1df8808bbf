#include "hearth/llm/tokenizer/go_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/base/error.h"

namespace hearth::llm {
namespace {

using testing::HasSubstr;
using Dict = TemplateValue::Dict;
using List = TemplateValue::List;

constexpr int64_t kNow = 1753963200;  // 2025-07-31 12:00:00 UTC

TemplateValue message(const char* role, const char* content) {
  return Dict{{"role", role}, {"content", content}, {"tool_calls", List{}}};
}

std::string rendered(std::string_view source, List messages) {
  GoConversation conversation;
  conversation.messages = std::move(messages);
  return GoTemplate(source).render(conversation, kNow);
}

std::string executed(std::string_view source, const Dict& dot = {},
                     const ChatTemplateLimits& limits = {}) {
  return GoTemplate(source, limits).execute(dot, kNow);
}

// The message of the error that running `source` ends with.
std::string refusal(Errc code, std::string_view source, const Dict& dot = {},
                    const ChatTemplateLimits& limits = {}) {
  try {
    executed(source, dot, limits);
  } catch (const Error& error) {
    return error.code() == code ? error.what()
                                : fmt::format("{}: {}", name(error.code()), error.what());
  }
  return "accepted";
}

TEST(GoTemplate, IsToldFromJinjaByTheFirstActionThatCanBeOfOneOnly) {
  for (const char* go :
       {"{{ .Prompt }}", "{{- if .System }}{{ .System }}{{ end }}", "{{.Prompt}}",
        "{{ range .Messages }}{{ end }}", "{{ $m := 1 }}", "{{/* a comment */}}x",
        "{{- /* a comment */ -}}x", "{{ json .Tools }}", "{{ (index .Messages 0).Content }}",
        "{{ define \"a\" }}{{ end }}", "{{ if or .System .Tools }}{% not a tag %}{{ end }}",
        "{{ with .System }}{{ end }}", "{{- range $i, $_ := .Messages }}{{ end }}"})
    EXPECT_TRUE(is_go_template(go)) << go;
  for (const char* jinja :
       {"", "no action", "{{ messages[0].content }}", "{{- bos_token }}", "{{bos_token}}",
        "{% if x %}{{ .5 }}{% endif %}", "{{ ifs }}", "{{ 'a' }}", "{{ range(3) }}",
        "{% set x = '{{ .Prompt }}' %}", "{# {{ .Prompt }} #}", "{{ end }}", "{{ template }}",
        "{{ index | length }}", "{{ if }}", "{{ .5 }}", "{{"})
    EXPECT_FALSE(is_go_template(jinja)) << jinja;
}

TEST(GoTemplate, OneThatWritesOnlyTheQuestionIsPlain) {
  EXPECT_TRUE(is_plain_go_template("{{ .Prompt }}"));
  EXPECT_TRUE(is_plain_go_template("{{.Prompt}}\n"));
  EXPECT_FALSE(is_plain_go_template("[INST] {{ .Prompt }}"));
  EXPECT_FALSE(is_plain_go_template("{{ .Prompt }}{{ .Response }}"));
}

TEST(GoTemplate, RunsTurnByTurnAndEndsWhereTheAnswerBegins) {
  const char* const source =
      "{{ if .System }}S:{{ .System }} {{ end }}U:{{ .Prompt }} A:{{ .Response }};{{ .System }}\n";
  EXPECT_EQ(rendered(source, {message("system", "be"), message("user", "a"),
                              message("assistant", "b"), message("user", "c")}),
            "S:be U:a A:b;be\nU:c A:");
  // An answer that has begun.
  EXPECT_EQ(rendered(source, {message("user", "a"), message("assistant", "b")}), "U:a A:b");
  // No word of the answer: it stands at the end.
  EXPECT_EQ(rendered("Q: {{ .Prompt }}\n",
                     {message("user", "a"), message("assistant", "b"), message("user", "c")}),
            "Q: a\nbQ: c\n");
}

TEST(GoTemplate, TheLastTurnIsCutAlsoInsideOfABranch) {
  EXPECT_EQ(rendered("{{ if .Prompt }}U:{{ .Prompt }} A:{{ .Response }}!{{ else }}none{{ end }}.",
                     {message("user", "a"), message("assistant", "b"), message("user", "c")}),
            "U:a A:b!.U:c A:");
  // A condition on the answer does not write it.
  EXPECT_EQ(rendered("{{ .Prompt }}{{ if .Response }}[{{ .Response }}]{{ end }}?",
                     {message("user", "a")}),
            "a");
}

TEST(GoTemplate, MessagesOfOneRoleAreOneButResultsOfToolsAreNot) {
  EXPECT_EQ(rendered("{{ .System }}|{{ range .Messages }}{{ .Role }}:{{ .Content }};{{ end }}",
                     {message("system", "a"), message("system", "b"), message("user", "c"),
                      message("user", "d"), message("tool", "e"), message("tool", "f"),
                      message("system", "g")}),
            "a\n\nb\n\ng|system:a\n\nb;user:c\n\nd;tool:e;tool:f;system:g;");
}

TEST(GoTemplate, FillsInBetweenTwoTexts) {
  const GoTemplate fill("{{ if .Suffix }}<pre>{{ .Prompt }}<suf>{{ .Suffix }}<mid>{{ end }}");
  EXPECT_TRUE(fill.uses("Suffix"));
  EXPECT_FALSE(fill.uses("Tools"));
  EXPECT_EQ(fill.render_between("a", "b", kNow), "<pre>a<suf>b<mid>");
}

TEST(GoTemplate, FieldsOfStructsAreFoundUnderTheirNamesInJson) {
  const Dict dot = {{"tool_calls", List{Dict{{"Name", "exact"}, {"name", "other"}}}}, {"anyOf", 1}};
  EXPECT_EQ(executed("{{ (index .ToolCalls 0).Name }} {{ .AnyOf }} {{ .Anyof }}", dot),
            "exact 1 1");
  // What is absent prints as nothing and equals what is empty, where Go's maps say <no value>.
  EXPECT_EQ(executed("[{{ .Missing }}]{{ eq .Missing \"\" }}{{ eq .Missing 0 }}{{ len .Missing }}"),
            "[]truetrue0");
  EXPECT_THAT(refusal(Errc::invalid_argument, "\n {{ .Missing.Field }}"),
              HasSubstr("chat template, line 2, column 5: a nil has no field Field"));
}

TEST(GoTemplate, ObjectsPrintAsJsonInTheOrderTheyCame) {
  const Dict dot = {{"d", Dict{{"b", "<"}, {"a", List{1, TemplateValue()}}}}};
  EXPECT_EQ(executed("{{ .d }}", dot), "{\"b\":\"\\u003c\",\"a\":[1,null]}");
  EXPECT_EQ(executed("{{ range $k, $_ := .d }}{{ $k }}{{ end }}", dot), "ba");
  EXPECT_EQ(executed("{{ range 3 }}{{ . }}{{ end }}"), "012");
}

TEST(GoTemplate, TypesOfJsonSchemaAreTypeScripts) {
  const auto type = [](TemplateValue t) {
    return executed("{{ toTypeScriptType .p }}", {{"p", Dict{{"type", std::move(t)}}}});
  };
  EXPECT_EQ(type("integer"), "number");
  EXPECT_EQ(type(List{"string", "null"}), "string | null");
  EXPECT_EQ(type("object"), "Record<string, any>");
  EXPECT_EQ(type(TemplateValue()), "any");
  const List any_of = {Dict{{"type", "array"}}, Dict{{"type", "boolean"}}};
  EXPECT_EQ(executed("{{ toTypeScriptType .p }}", {{"p", Dict{{"anyOf", any_of}}}}),
            "any[] | boolean");
}

TEST(GoTemplate, QuotingLeavesLettersAndPrivateMarksAlone) {
  EXPECT_EQ(executed("{{ printf \"%q\" .s }}", {{"s", "a\uFDD0<ü\n\x01\xFF"}}),
            "\"a\uFDD0<ü\\n\\x01\\xff\"");
}

TEST(GoTemplate, ErrorsNameTheirPlace) {
  EXPECT_EQ(refusal(Errc::corrupt_data, "ü\n {{ if .x }}"),
            "chat template, line 2, column 13: unexpected end of the template: {{end}} is missing");
  EXPECT_EQ(refusal(Errc::corrupt_data, "üü{{ nothing }}"),
            "chat template, line 1, column 6: function \"nothing\" is not defined");
  EXPECT_EQ(refusal(Errc::unsupported, "{{ html .x }}"),
            "chat template, line 1, column 4: function \"html\"");
  EXPECT_EQ(refusal(Errc::unsupported, "{{ 1i }}"),
            "chat template, line 1, column 4: complex numbers");
  EXPECT_EQ(refusal(Errc::invalid_argument, "{{ index .l 1 }}", {{"l", List{1}}}),
            "chat template, line 1, column 4: index 1 is out of range: 0 to 0");
  EXPECT_EQ(refusal(Errc::invalid_argument, "a\n{{ lt 1 .s }}", {{"s", "x"}}),
            "chat template, line 2, column 4: a whole number and a string have no order");
  EXPECT_EQ(refusal(Errc::corrupt_data, "{{ define \"a\" }}{{ end }}{{ define \"a\" }}{{ end }}"),
            "chat template, line 1, column 42: template \"a\" is defined twice");
}

// As published templates find out which message is the last: the rest is not copied each time.
TEST(GoTemplate, SlicingALongConversationCostsNothing) {
  const ChatTemplateLimits small = {.memory_bytes_max = 4 << 20};
  const std::string content(1000, 'x');
  List messages;
  for (int i = 0; i < 1000; ++i)
    messages.push_back(message(i % 2 ? "assistant" : "user", content.c_str()));
  GoConversation conversation;
  conversation.messages = std::move(messages);
  const GoTemplate source(
      "{{ range $i, $_ := .Messages }}{{ if eq (len (slice $.Messages $i)) 1 }}{{ $i }}{{ end }}{{ "
      "end }}"
      "{{ index (slice (slice .Messages 1) 2 4 | len | print | slice) 0 }}",
      small);
  EXPECT_EQ(source.render(conversation, kNow), "99950");  // 50: the code of "2"
  EXPECT_EQ(
      executed("{{ slice .l 1 }}{{ json (slice .l 0 2) }}{{ printf \"%d\" (slice .l 2) }}"
               "{{ range slice .l 1 2 }}{{ . }}{{ else }}none{{ end }}{{ index (slice .l 1) 0 }}"
               "{{ range slice .l 3 }}{{ else }}none{{ end }}",
               {{"l", List{1, 2, 3}}}),
      "[2 3][1,2][3]22none");
}

TEST(GoTemplate, HostileTemplatesEndAtALimit) {
  const ChatTemplateLimits small = {.source_bytes_max = 1 << 20,
                                    .output_bytes_max = 1000,
                                    .steps_max = 100'000,
                                    .steps_per_message = 0,
                                    .nesting_max = 50,
                                    .memory_bytes_max = 1 << 20};
  const auto ends = [&](const std::string& source, const Dict& dot = {}) {
    return refusal(Errc::resource_exhausted, source, dot, small);
  };
  EXPECT_THAT(ends(std::string((1 << 20) + 1, 'x')), HasSubstr("source_bytes_max"));
  EXPECT_THAT(ends("{{ range 1000000000 }}{{ end }}"), HasSubstr("_max"));
  EXPECT_THAT(ends("{{ range 2000 }}a{{ end }}"), HasSubstr("output_bytes_max"));
  EXPECT_THAT(ends("{{ $s := .s }}{{ range 100 }}{{ $s = printf \"%s%s\" $s $s }}{{ end }}",
                   {{"s", "12345678"}}),
              HasSubstr("memory_bytes_max"));
  EXPECT_THAT(ends("{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}"),
              HasSubstr("nesting_max"));
  const auto repeated = [](int count, std::string_view text) {
    std::string all;
    for (int i = 0; i < count; ++i) all += text;
    return all;
  };
  EXPECT_THAT(ends("{{ " + repeated(100, "(") + "1" + repeated(100, ")") + " }}"),
              HasSubstr("nesting_max"));
  EXPECT_THAT(ends(repeated(100, "{{ if 1 }}") + repeated(100, "{{ end }}")),
              HasSubstr("nesting_max"));
  EXPECT_THAT(ends("{{ if 0 }}" + repeated(100, "{{ else if 0 }}") + "{{ end }}"),
              HasSubstr("nesting_max"));
  std::string variables;
  for (int i = 0; i < 2000; ++i) variables += fmt::format("{{{{ $v{} := 1 }}}}", i);
  EXPECT_THAT(ends(variables), HasSubstr("more than 1000 variables"));
  // All turns share what one rendering may spend.
  List turns;
  for (int i = 0; i < 2000; ++i) {
    turns.push_back(message("user", "a"));
    turns.push_back(message("assistant", "b"));
  }
  GoConversation conversation;
  conversation.messages = std::move(turns);
  const GoTemplate loop("{{ range 100 }}{{ end }}{{ .Response }}", small);
  EXPECT_THROW(loop.render(conversation, kNow), Error);
}

}  // namespace
}  // namespace hearth::llm
