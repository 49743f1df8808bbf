#include "hearth/serve/engine/answer_forms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/base/error.h"
#include "hearth/serve/engine/engine_for_test.h"

namespace hearth::serve {
namespace {

struct Forms {
  AnswerForms forms{chat_vocabulary()};

  // Whether `text` is a whole answer in this form.
  bool holds(const AnswerFormat& format, const std::string& text) {
    llm::Matcher matcher(forms.make_constraint(format));
    return matcher.accept(text) && matcher.is_complete();
  }
};

TEST(AnswerForms, FreeAnswersHaveNone) { EXPECT_FALSE(Forms().forms.make_constraint({})); }

TEST(AnswerForms, JsonIsHeldTo) {
  Forms f;
  const AnswerFormat json = {AnswerFormat::Kind::json, ""};
  EXPECT_TRUE(f.holds(json, R"({"a": [1, {"b": null}]})"));
  EXPECT_FALSE(f.holds(json, R"({"a": })"));
  EXPECT_FALSE(f.holds(json, "Sure! {}"));
}

TEST(AnswerForms, SchemasAreHeldTo) {
  Forms f;
  const AnswerFormat schema = {
      AnswerFormat::Kind::schema,
      R"({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})"};
  EXPECT_TRUE(f.holds(schema, R"({"n": 12})"));
  EXPECT_FALSE(f.holds(schema, R"({"n": "twelve"})"));
  EXPECT_FALSE(f.holds(schema, "{}"));
  EXPECT_THAT(refusal_of(Errc::unsupported,
                         [&] {
                           f.forms.make_constraint({AnswerFormat::Kind::schema, R"({"not": {}})"});
                         }),
              ::testing::HasSubstr("not"));
}

TEST(AnswerForms, GrammarsAreHeldToAndCompiledOnce) {
  Forms f;
  const AnswerFormat grammar = {AnswerFormat::Kind::grammar, "root ::= [a-c]+"};
  EXPECT_TRUE(f.holds(grammar, "abc"));
  EXPECT_FALSE(f.holds(grammar, "abd"));
  EXPECT_EQ(f.forms.make_constraint(grammar), f.forms.make_constraint(grammar));
  EXPECT_NE(refusal_of(Errc::invalid_argument,
                       [&] {
                         f.forms.make_constraint({AnswerFormat::Kind::grammar, "root ::= ("});
                       }),
            "accepted");
}

}  // namespace
}  // namespace hearth::serve
