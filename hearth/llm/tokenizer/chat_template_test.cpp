#include "hearth/llm/tokenizer/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

#include "hearth/base/error.h"

namespace hearth::llm {
namespace {

using testing::HasSubstr;
using List = TemplateValue::List;
using Dict = TemplateValue::Dict;

constexpr int64_t kNow = 1753963200;  // 2025-07-31 12:00:00 UTC

std::string render(std::string_view source, const Dict& globals = {},
                   const ChatTemplateLimits& limits = {}) {
  return ChatTemplate(source, limits).render(globals, kNow);
}

// The error of parsing and rendering; fails the test when there is none.
Error error_of(std::string_view source, const Dict& globals = {},
               const ChatTemplateLimits& limits = {}) {
  try {
    render(source, globals, limits);
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error from " << source.substr(0, 200);
  return {Errc::conflict, "none"};
}

TEST(ChatTemplate, RendersASimpleConversation) {
  const ChatTemplate chat(
      "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m['content'] }}{{ eos_token }}{% "
      "endfor %}"
      "{% if add_generation_prompt %}<assistant>{% endif %}");
  EXPECT_EQ(render_chat(chat, {{"system", "Be kind."}, {"user", "Hi"}}, "[B]", "[E]", kNow),
            "[B]<system>Be kind.[E]<user>Hi[E]<assistant>");
}

TEST(ChatTemplate, KeepsEveryKindOfValue) {
  const Dict globals = {{"none", TemplateValue()},
                        {"values", List{TemplateValue(), true, 7, int64_t{1} << 40, 2.5, "text",
                                        List{}, Dict{{"k", 1}}}}};
  EXPECT_EQ(render("{{ values }} {{ values | tojson }}", globals),
            "[None, True, 7, 1099511627776, 2.5, 'text', [], {'k': 1}] "
            "[null, true, 7, 1099511627776, 2.5, \"text\", [], {\"k\": 1}]");
}

TEST(ChatTemplate, PassesBytesThatAreNotUtf8) {
  const std::string bytes = "a\xFF\xC3z";
  EXPECT_EQ(render("{{ s }}|{{ s | length }}|{{ s[1:] | upper }}|{{ s | tojson }}", {{"s", bytes}}),
            bytes + "|4|\xFF\xC3Z|\"" + bytes + "\"");
}

TEST(ChatTemplate, GivesTheDateOfTheCaller) {
  const ChatTemplate chat("{{ strftime_now('%d %B %Y') }}");
  EXPECT_EQ(chat.render({}, 0), "01 January 1970");
  EXPECT_EQ(chat.render({}, 951782400), "29 February 2000");
  EXPECT_EQ(chat.render({}, -1), "31 December 1969");
}

TEST(ChatTemplate, TemplatesMayCallMethodsThatChangeLists) {
  EXPECT_EQ(render("{% set ns = namespace(q=[]) %}{% for i in range(3) %}{% set _ = ns.q.append(i) "
                   "%}{% endfor %}"
                   "{{ ns.q.pop(0) }}{{ ns.q }}"),
            "0[1, 2]");
}

TEST(ChatTemplate, WritesMapResultsAsJson) {  // Python refuses; published templates rely on it
  EXPECT_EQ(render("{{ tools | map(attribute='function') | tojson }}",
                   {{"tools", List{Dict{{"function", "f"}}}}}),
            "[\"f\"]");
}

TEST(ChatTemplate, BuildingATextPieceByPieceSharesMemoryAndKeepsOldValues) {
  EXPECT_EQ(
      render("{% set ns = namespace(a='x') %}{% set old = ns.a + 'y' %}{% set ns.a = old + '1' %}"
             "{% set other = old + '2' %}{{ old }} {{ ns.a }} {{ other }}"),
      "xy xy1 xy2");
}

// 18,890 bytes in the end; copied at each of the 2,000 steps they would be 19 million.
TEST(ChatTemplate, ATextThatGrowsByTildeIsNotCopiedEachTime) {
  EXPECT_EQ(render("{% set ns = namespace(x='') %}{% for i in range(2000) %}"
                   "{% set ns.x = ns.x ~ 'line ' ~ i ~ '\n' %}{% endfor %}{{ ns.x | length }}",
                   {}, {.memory_bytes_max = 1 << 20}),
            "18890");
}

TEST(ChatTemplate, MayRenderFromSeveralThreads) {
  const ChatTemplate chat("{% for i in range(200) %}{{ i ~ name }},{% endfor %}");
  const std::string expected = chat.render({{"name", "t"}}, kNow);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { EXPECT_EQ(chat.render({{"name", "t"}}, kNow), expected); });
}

TEST(ChatTemplateErrors, NameLineAndColumn) {
  const Error syntax = error_of("line one\n  {% if %}");
  EXPECT_EQ(syntax.code(), Errc::corrupt_data);
  EXPECT_THAT(syntax.what(), HasSubstr("line 2, column 9"));
  const Error type = error_of("é\n\n{{ 1 + 'a' }}");
  EXPECT_EQ(type.code(), Errc::invalid_argument);
  EXPECT_THAT(type.what(), HasSubstr("line 3, column 6"));
}

TEST(ChatTemplateErrors, CarryTheTemplatesOwnMessage) {
  const Error error = error_of("{{ raise_exception('roles must alternate') }}");
  EXPECT_EQ(error.code(), Errc::invalid_argument);
  EXPECT_THAT(error.what(), HasSubstr("roles must alternate"));
}

TEST(ChatTemplateErrors, ALongMessageIsCutBetweenCharacters) {
  const std::string message = error_of("{{ raise_exception('x' ~ 'é' * 100000) }}").what();
  EXPECT_LT(message.size(), 4200u);
  EXPECT_THAT(message, HasSubstr("xéé"));
  EXPECT_THAT(message, testing::EndsWith("éé ..."));
}

TEST(ChatTemplateErrors, AnArgumentIsGivenOnce) {  // Python finds this before it runs anything
  EXPECT_THAT(error_of("{% macro m(a) %}{{ a }}{% endmacro %}{{ m(a=1, a=2) }}").what(),
              HasSubstr("multiple values for keyword argument 'a'"));
}

TEST(ChatTemplateErrors, SayWhatIsNotSupported) {
  for (const char* source :
       {"{% include 'x' %}", "{% extends 'x' %}", "{% block x %}{% endblock %}",
        "{% import 'x' as y %}", "{{ x | nosuch }}", "{{ x is nosuch }}",
        "{% for a in x recursive %}{% endfor %}"})
    EXPECT_EQ(error_of(source).code(), Errc::unsupported) << source;
}

TEST(ChatTemplateErrors, IntegersOutsideSixtyFourBitsAreRefused) {
  for (const char* source :
       {"{{ 9223372036854775807 + 1 }}", "{{ -9223372036854775807 - 2 }}",
        "{{ 4294967296 * 4294967296 }}", "{{ 2 ** 63 }}", "{{ '9223372036854775808' | int }}",
        "{{ (-9223372036854775807 - 1) // -1 }}", "{{ -(-9223372036854775807 - 1) }}",
        "{{ (-9223372036854775807 - 1) | abs }}", "{{ 9223372036854775807 | round(-19) }}"})
    EXPECT_EQ(error_of(source).code(), Errc::invalid_argument) << source;
  EXPECT_EQ(error_of("{{ 9223372036854775808 }}").code(), Errc::corrupt_data);
  EXPECT_THAT(error_of("{{ 0x }}").what(), HasSubstr("malformed number '0x'"));
  EXPECT_EQ(
      render("{{ -9223372036854775807 - 1 }} {{ (-9223372036854775807 - 1) % -1 }} {{ 2 ** 62 }}"),
      "-9223372036854775808 0 4611686018427387904");
}

struct Hostile {
  const char* source;
  const char* limit;  // named by the message
};

void expect_exhausted(const Hostile& hostile, const ChatTemplateLimits& limits,
                      const Dict& globals = {}) {
  const Error error = error_of(hostile.source, globals, limits);
  const std::string source = std::string(hostile.source).substr(0, 200);
  EXPECT_EQ(error.code(), Errc::resource_exhausted) << source << ": " << error.what();
  EXPECT_THAT(error.what(), HasSubstr(hostile.limit)) << source;
}

constexpr const char* kDoubling =
    "{% set ns = namespace(x='0123456789abcdef') %}{% for i in range(60) %}{% set ns.x = ns.x ~ "
    "ns.x %}{% endfor %}";

TEST(ChatTemplateLimits, SourceHasAMaximum) {
  EXPECT_THAT(error_of("0123456789", {}, {.source_bytes_max = 9}).what(),
              HasSubstr("source_bytes_max"));
  EXPECT_EQ(render("0123456789", {}, {.source_bytes_max = 10}), "0123456789");
}

TEST(ChatTemplateLimits, OutputHasAMaximum) {
  const ChatTemplateLimits limits{.output_bytes_max = 100};
  EXPECT_EQ(render("{{ 'x' * 100 }}", {}, limits).size(), 100u);
  for (const char* source : {"{{ 'x' * 101 }}", "{% for i in range(101) %}x{% endfor %}",
                             "{% macro m() %}{{ 'x' * 101 }}{% endmacro %}{% set a = m() %}"})
    expect_exhausted({source, "output_bytes_max"}, limits);
}

TEST(ChatTemplateLimits, ValuesHaveAMaximumOfMemory) {
  const ChatTemplateLimits limits{.memory_bytes_max = 1 << 20};
  for (const char* source :
       {kDoubling,
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% "
        "endfor %}",
        "{% set x = 'x' * 9999999999 %}",
        "{% set x = [1] * 9999999999 %}",
        "{{ 'x' | center(99999999999) }}",
        "{{ ('x' * 600000) | replace('x', 'yyyy') }}",
        "{{ '%999999d' % 1 ~ '%999999d' % 1 }}",
        "{{ '{:>999999}{:>999999}'.format(1, 2) }}",
        "{{ 'a' | indent(99999999999, true) }}",
        "{{ range(99999) | map('string') | list }}",
        "{% set q = [] %}{% for i in range(99999) %}{% set _ = q.append(i) %}{% endfor %}",
        "{{ [1] | batch(99999999999, 0) | list }}",
        "{{ [1] | tojson(indent=99999999999) }}",
        "{{ [1] | slice(99999999999, 0) | list }}",
        "{{ (' \n' * 50000).splitlines() | length }}",
        "{{ ('a ' * 50000).split() | length }}",
        "{{ ('a,' * 50000).rsplit(',') | length }}",
        "{{ ('\"' * 300000) | escape }}",
        "{{ ['\\0' * 300000] }}",
        "{{ ('\"' * 400000) | urlencode }}"})
    expect_exhausted({source, "memory_bytes_max"}, limits);
}

TEST(ChatTemplateLimits, WorkHasAMaximum) {
  const ChatTemplateLimits limits{.steps_max = 100'000};
  const Dict globals = {{"s", std::string(1 << 20, 'a')},
                        {"half", std::string(1 << 19, 'a') + "b"},
                        {"dots", std::string(200'000, '.')}};
  for (const char* source :
       {"{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(9999) %}{{ s | length }}{% endfor %}",
        "{% for i in range(9999) %}{% if s == s ~ '' %}{% endif %}{% endfor %}", "{{ half in s }}",
        "{{ s.find(half) }}", "{{ s.rfind(half) }}", "{{ s.split(half) }}", "{{ s.count(half) }}",
        "{{ s | replace(half, '') }}", "{{ s.strip(s) }}", "{{ range(9999) | unique | list }}",
        "{% for i in range(9999) %}{{ s[5:6] }}{% endfor %}", "{{ s | list | sort }}",
        "{% set q = [0] * 5000 %}{% for i in range(5000) %}{% set _ = q.remove(0) %}{% endfor %}",
        "{{ s | wordcount }}", "{{ s is lower }}", "{{ s.isalpha() }}",
        "{{ [{}] | map(attribute=dots, default={}) | list }}"})
    expect_exhausted({source, "steps_max"}, limits, globals);
}

// As Gemma 4's template does it: from each message it looks back through all before it.
TEST(ChatTemplateLimits, LongConversationsMayCostMore) {
  constexpr const char* kLooksBack =
      "{% for m in messages %}{% set found = namespace(role='') %}"
      "{% for j in range(loop.index0 - 1, -1, -1) %}"
      "{% if not found.role %}{% if messages[j].role != 'tool' %}"
      "{% set found.role = messages[j].role %}{% endif %}{% endif %}{% endfor %}"
      "{% if found.role == m.role %}!{% endif %}{% endfor %}";
  List messages;
  for (int i = 0; i < 3000; ++i) messages.push_back(Dict{{"role", i % 2 ? "assistant" : "user"}});
  EXPECT_EQ(render(kLooksBack, {{"messages", messages}}), "");
  // Another list allows nothing, so that a template's arguments cannot.
  const Dict globals = {{"messages", List(10, messages[0])}, {"others", List(300, messages[0])}};
  const ChatTemplateLimits limits{.steps_max = 1000, .steps_per_message = 100};
  EXPECT_EQ(render("{% for i in range(300) %}{% endfor %}", globals, limits), "");
  expect_exhausted({"{% for i in range(5000) %}{% endfor %}", "2000 steps"}, limits, globals);
}

// Names are looked up one by one: 400 of them 400 times a call.
TEST(ChatTemplateLimits, BindingManyArgumentsIsWork) {
  std::string parameters;
  Dict arguments;
  for (int i = 0; i < 400; ++i) {
    parameters += fmt::format("{}p{}", i > 0 ? "," : "", i);
    arguments.emplace_back(fmt::format("p{}", i), i);
  }
  const std::string source = "{% macro m(" + parameters +
                             ") %}{% endmacro %}{% for i in range(20) %}{{ m(**d) }}{% endfor %}";
  expect_exhausted({source.c_str(), "steps_max"}, {.steps_max = 100'000}, {{"d", arguments}});
}

TEST(ChatTemplateLimits, DateFormatsHaveAMaximum) {
  EXPECT_EQ(render("{{ strftime_now('%Y' * 500) | length }}"), "2000");
  expect_exhausted({"{{ strftime_now('%c' * 501) }}", "date format of 1002 bytes, above 1000"}, {});
}

std::string repeated(std::string_view part, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += part;
  return out;
}

TEST(ChatTemplateLimits, NestingInTheSourceHasAMaximum) {
  const int many = 20'000;
  struct Nested {
    const char *before, *open, *close, *after;
  };
  for (const Nested& n :
       {Nested{"", "{% if 1 %}", "{% endif %}", ""}, Nested{"{{ ", "(", ")", " }}"},
        Nested{"{{ ", "[", "]", " }}"}, Nested{"{{ ", "{1: ", "}", " }}"},
        Nested{"{{ ", "not ", "", "1 }}"}, Nested{"{{ ", "-", "", "1 }}"},
        Nested{"{{ ", "f(", ")", " }}"}, Nested{"{{ x", "[x", "]", " }}"},
        Nested{"{{ x", "|default(x", ")", " }}"}, Nested{"{{ x ", "is eq (x ", ")", " }}"},
        Nested{"{{ ", "1 if 1 else ", "", "1 }}"}, Nested{"{% set ", "(", ")", " = 1 %}"},
        Nested{"", "{% macro m() %}", "{% endmacro %}", ""}}) {
    const std::string source =
        n.before + repeated(n.open, many) + repeated(n.close, many) + n.after;
    expect_exhausted({source.c_str(), "nesting_max"}, {.source_bytes_max = 1 << 20});
  }
}

TEST(ChatTemplateLimits, LongChainsAreNotNesting) {
  EXPECT_EQ(render("{{ 0" + repeated(" + 1", 5000) + " }}"), "5000");
  EXPECT_EQ(render("{{ ''" + repeated(" ~ 'x'", 5000) + " }}").size(), 5000u);
  EXPECT_EQ(render("{{ 1" + repeated(" and 1", 5000) + " }}"), "1");
  EXPECT_EQ(render("{{ 1" + repeated(" == 1", 5000) + " }}"), "True");
  EXPECT_EQ(render("{% if 0 %}" + repeated("{% elif 0 %}", 5000) + "{% else %}x{% endif %}"), "x");
}

TEST(ChatTemplateLimits, EvaluationHasAMaximumOfDepth) {
  const std::string filters = "{{ 1" + repeated("|string", 20'000) + " }}";
  for (const std::string& source :
       {filters, "{{ x" + repeated(".a", 20'000) + " }}", "{{ x" + repeated("[0]", 20'000) + " }}",
        std::string("{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}"),
        std::string("{% macro f(n) %}{% for i in [1] %}{% if 1 %}{{ f(n)|upper }}{% endif %}{% "
                    "endfor %}{% endmacro %}{{ f(0) }}")})
    expect_exhausted({source.c_str(), "nesting_max"}, {.source_bytes_max = 1 << 20});
}

TEST(ChatTemplateLimits, ValuesHaveAMaximumOfDepth) {
  const std::string deep =
      "{% set ns = namespace(x=[]) %}{% for i in range(50000) %}{% set ns.x = [ns.x] %}{% endfor "
      "%}";
  for (const char* use :
       {"{{ ns.x }}", "{{ ns.x | tojson }}", "{{ ns.x == [ns.x] }}", "{{ ns.x < [ns.x] }}"})
    expect_exhausted({(deep + use).c_str(), "nesting_max"}, {});
  EXPECT_EQ(render(deep + "ok"), "ok");

  TemplateValue input;
  for (int i = 0; i < 5000; ++i) {
    List outer;
    outer.push_back(std::move(input));
    input = TemplateValue(std::move(outer));
  }
  expect_exhausted({"{{ x | length }}", "nesting_max"}, {}, {{"x", input}});
}

TEST(ChatTemplateLimits, AListInsideItselfIsAnErrorOnlyWhenWalked) {
  const std::string cycle = "{% set a = [1] %}{% set _ = a.append(a) %}";
  EXPECT_EQ(render(cycle + "{{ a | length }}{{ a[1][1][0] }}{{ a == a }}"), "21True");
  for (const char* use : {"{{ a }}", "{{ a | tojson }}"})
    expect_exhausted({(cycle + use).c_str(), "nesting_max"}, {});
}

TEST(ChatTemplateLimits, AValueSharedManyTimesCostsWhatItPrints) {
  expect_exhausted({"{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, "
                    "ns.x] %}{% endfor %}"
                    "{{ ns.x | tojson | length }}",
                    "_max"},
                   {.steps_max = 1'000'000});
}

}  // namespace
}  // namespace hearth::llm
