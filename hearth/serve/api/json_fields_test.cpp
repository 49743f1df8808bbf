#include "hearth/serve/api/json_fields.h"

#include <gtest/gtest.h>

namespace hearth::serve {
namespace {

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_argument);
    return error.what();
  }
  return {};
}

std::string object_of(int keys) {
  std::string text = "{";
  for (int i = 0; i < keys; ++i) text += fmt::format("\"k{}\":0,", i);
  text.back() = '}';
  return text;
}

TEST(RequestBody, IsHeldToItsLimits) {
  EXPECT_EQ(error_of([] { parse_body(""); }), "missing request body");
  EXPECT_NE(error_of([] { parse_body("{"); }), "");
  EXPECT_NO_THROW(parse_body(std::string(64, '[') + std::string(64, ']')));
  EXPECT_EQ(error_of([] { parse_body(std::string(66, '[') + std::string(66, ']')); }),
            "the request's JSON is nested deeper than 64 levels");
  EXPECT_EQ(error_of([] { parse_body(object_of(4097)); }),
            "an object of the request has more than 4096 keys");
  // The keys of one object count, not those of all.
  EXPECT_NO_THROW(parse_body("[" + object_of(4096) + "," + object_of(4096) + "]"));
  EXPECT_NO_THROW(parse_body("{\"a\":" + object_of(4000) + "," + object_of(4000).substr(1)));
}

TEST(Fields, AreReadByTheirTypes) {
  const Json json = Json::parse(R"({"text": "a", "yes": true, "whole": 3.0, "part": 0.5,
    "none": null, "object": {"inner": 1}, "list": [1, 2], "texts": ["a", "b"]})");
  const Fields fields(json);
  EXPECT_EQ(fields.try_string("text"), "a");
  EXPECT_EQ(fields.try_bool("yes"), true);
  EXPECT_EQ(fields.try_integer("whole"), 3);
  EXPECT_EQ(fields.try_number("part"), 0.5);
  EXPECT_FALSE(fields.has("none"));
  EXPECT_EQ(fields.try_string("none"), std::nullopt);
  EXPECT_EQ(fields.try_object("object")->try_integer("inner"), 1);
  EXPECT_EQ(fields.try_list("list", 2)->size(), 2u);
  EXPECT_EQ(fields.try_strings("texts", 2), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(fields.try_strings("text", 2), (std::vector<std::string>{"a"}));
}

TEST(Fields, NameWhatIsWrong) {
  const Json json = Json::parse(R"({"text": "", "part": 0.5, "large": 18446744073709551615,
    "list": [1, 2], "object": {"inner": 1}})");
  const Fields fields(json);
  EXPECT_EQ(error_of([&] { fields.string("text"); }), "text is required");
  EXPECT_EQ(error_of([&] { fields.try_string("part"); }), "part must be a string");
  EXPECT_EQ(error_of([&] { fields.try_integer("part"); }), "part must be an integer");
  EXPECT_EQ(error_of([&] { fields.try_integer("large"); }), "large is too large");
  EXPECT_EQ(error_of([&] { fields.try_list("list", 1); }),
            "list has 2 elements, at most 1 are taken");
  EXPECT_EQ(error_of([&] { fields.try_strings("list", 2); }), "list[0] must be a string");
  EXPECT_EQ(error_of([&] { fields.try_object("list"); }), "list must be an object");
  EXPECT_EQ(error_of([&] { fields.try_object("object")->try_bool("inner"); }),
            "object.inner must be true or false");
  try {
    fields.try_object("object")->string("inner");
    FAIL() << "a number was taken for a string";
  } catch (const FieldError& error) {
    EXPECT_EQ(error.field(), "object.inner");
  }
}

}  // namespace
}  // namespace hearth::serve
