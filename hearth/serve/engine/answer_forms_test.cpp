#include "hearth/serve/engine/answer_forms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/base/error.h"
#include "hearth/serve/engine/engine_for_test.h"

namespace hearth::serve {
namespace {

struct Forms {
  std::unique_ptr<llm::Tokenizer> tokenizer = chat_vocabulary();
  AnswerForms forms{*tokenizer};

  // Whether `text` is a whole answer in this form.
  bool holds(const AnswerFormat& format, const std::string& text) {
    llm::Matcher matcher(forms.find_or_make(format));
    return matcher.accept(text) && matcher.is_complete();
  }
};

TEST(AnswerForms, FreeAnswersHaveNone) { EXPECT_FALSE(Forms().forms.find_or_make({})); }

TEST(AnswerForms, JsonIsAnObject) {
  Forms f;
  const AnswerFormat json = {AnswerFormat::Kind::json, ""};
  EXPECT_TRUE(f.holds(json, R"({"a": [1, {"b": null}]})"));
  EXPECT_FALSE(f.holds(json, "[1]"));
  EXPECT_FALSE(f.holds(json, R"({"a": })"));
}

TEST(AnswerForms, GrammarsAreRead) {
  Forms f;
  const AnswerFormat grammar = {AnswerFormat::Kind::grammar, "root ::= [a-c]+"};
  EXPECT_TRUE(f.holds(grammar, "abc"));
  EXPECT_FALSE(f.holds(grammar, "abd"));
  EXPECT_NE(refusal_of(Errc::invalid_argument,
                       [&] {
                         f.forms.find_or_make({AnswerFormat::Kind::grammar, "root ::= ("});
                       }),
            "accepted");
}

TEST(AnswerForms, TheSameFormIsCompiledOnceWhileItIsRemembered) {
  Forms f;
  const auto form = [](size_t i) {
    return AnswerFormat{AnswerFormat::Kind::grammar, fmt::format("root ::= \"{}\"", i)};
  };
  const auto first = f.forms.find_or_make(form(0));
  for (size_t i = 1; i < kFormsKept; ++i) f.forms.find_or_make(form(i));
  EXPECT_EQ(f.forms.find_or_make(form(0)), first);  // and is now the one used last
  f.forms.find_or_make(form(kFormsKept));
  EXPECT_EQ(f.forms.find_or_make(form(0)), first);
  for (size_t i = 1; i <= kFormsKept; ++i) f.forms.find_or_make(form(i));
  EXPECT_NE(f.forms.find_or_make(form(0)), first);
}

}  // namespace
}  // namespace hearth::serve
