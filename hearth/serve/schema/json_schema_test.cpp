#include "hearth/serve/schema/json_schema.h"

#include <gtest/gtest.h>

#include <string>

#include "hearth/serve/schema/schema_walk_for_test.h"

namespace hearth::serve {
namespace {

std::shared_ptr<llm::Constraint> constraint_of(llm::Grammar grammar) {
  static const auto trie = trie_of(small_vocabulary());
  return std::make_shared<llm::Constraint>(std::make_shared<llm::Grammar>(std::move(grammar)),
                                           trie);
}

bool matches(std::string_view schema, std::string_view text) {
  return accepts(constraint_of(grammar_of_schema(schema)), text);
}

std::string refusal(std::string_view schema, Errc code, const SchemaLimits& limits = {}) {
  try {
    grammar_of_schema(schema, limits);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  return "accepted";
}

TEST(JsonGrammar, IsAnyObjectOrArrayWithModestSpace) {
  const auto json = constraint_of(json_grammar());
  for (const char* text : {"{}", "[]", R"({"a": [1, -2.5e3, "x\n\u00e9\ud83d\ude00", true, null]})",
                           "{\n  \"a\": {\n    \"b\": []\n  }\n}", R"({"a":1,"b":2})"})
    EXPECT_TRUE(accepts(json, text)) << text;
  for (const char* text : {"1", "\"a\"", "{", "[1,]", "{\"a\" : 1}", "[  ]", "[\"\\ud83d\"]",
                           "[01]", " {}", "{} ", "[1 , 2]", "[\"\t\"]", "{a: 1}"})
    EXPECT_FALSE(accepts(json, text)) << text;
}

TEST(JsonGrammar, AnyValueNestsSixteenDeep) {
  const auto json = constraint_of(json_grammar());
  EXPECT_TRUE(accepts(json, std::string(16, '[') + std::string(16, ']')));
  EXPECT_FALSE(accepts(json, std::string(17, '[') + std::string(17, ']')));
}

TEST(GrammarOfSchema, LongCountsAreKeptExactly) {
  for (const int max : {1000, 1001, 1100, 2345, 50'000}) {
    const auto constraint = constraint_of(
        grammar_of_schema(fmt::format(R"({{"type": "string", "maxLength": {}}})", max)));
    EXPECT_TRUE(accepts(constraint, "\"" + std::string(max, 'x') + "\"")) << max;
    EXPECT_FALSE(accepts(constraint, "\"" + std::string(max + 1, 'x') + "\"")) << max;
    EXPECT_TRUE(accepts(constraint, "\"" + std::string(max - 1, 'x') + "\"")) << max;
    EXPECT_TRUE(accepts(constraint, "\"\"")) << max;
  }
  const auto between = constraint_of(
      grammar_of_schema(R"({"type": "string", "minLength": 1234, "maxLength": 2345})"));
  for (const auto& [length, expected] :
       {std::pair(1233, false), {1234, true}, {1999, true}, {2345, true}, {2346, false}})
    EXPECT_EQ(accepts(between, "\"" + std::string(length, 'x') + "\""), expected) << length;
}

TEST(GrammarOfSchema, PropertiesKeepTheOrderOfTheSchema) {
  constexpr const char* kSchema =
      R"({"type": "object", "properties": {"z": {"type": "integer"}, "a": {"type": "integer"}}})";
  EXPECT_TRUE(matches(kSchema, R"({"z": 1, "a": 2})"));
  EXPECT_FALSE(matches(kSchema, R"({"a": 2, "z": 1})"));
}

TEST(GrammarOfSchema, AKeywordOfAWrongTypeIsSaidWithItsPlace) {
  EXPECT_EQ(refusal(R"({"properties": {"age": {"minimum": "1"}}})", Errc::invalid_argument),
            "#/properties/age: minimum must be a number");
  EXPECT_EQ(refusal(R"({"properties": {"a/b": {"type": "int"}}})", Errc::invalid_argument),
            "#/properties/a~1b: type must be null, boolean, string, number, integer, array, object "
            "or a list of them");
  EXPECT_EQ(refusal(R"({"type": "array", "minItems": -1})", Errc::invalid_argument),
            "#: minItems must be a whole number of at least 0");
  EXPECT_EQ(refusal(R"({"properties": []})", Errc::invalid_argument),
            "#: properties must be an object");
  EXPECT_EQ(refusal(R"({"required": ["a", 1]})", Errc::invalid_argument),
            "#: required must be a list of strings");
  EXPECT_EQ(refusal(R"({"anyOf": {}})", Errc::invalid_argument), "#: anyOf must be a list");
  EXPECT_EQ(refusal(R"({"items": 5})", Errc::invalid_argument),
            "#/items: schema must be an object");
  EXPECT_EQ(refusal("[1]", Errc::invalid_argument), "#: schema must be an object");
  EXPECT_NE(refusal("{", Errc::invalid_argument), "accepted");
}

TEST(GrammarOfSchema, WhatIsNotSupportedIsSaidWithItsPlace) {
  EXPECT_EQ(refusal(R"({"properties": {"x": {"not": {}}}})", Errc::unsupported),
            "#/properties/x: not is not supported");
  for (const char* keyword :
       {"if", "then", "else", "contains", "dependentRequired", "dependentSchemas", "dependencies",
        "minContains", "maxContains", "unevaluatedItems", "$dynamicRef", "$recursiveRef"})
    EXPECT_EQ(refusal(fmt::format(R"({{"{}": {{}}}})", keyword), Errc::unsupported),
              fmt::format("#: {} is not supported", keyword));
  EXPECT_EQ(refusal(R"({"multipleOf": 7})", Errc::unsupported),
            "#: multipleOf is supported as 1, 0.1, 0.01, ...");
  EXPECT_EQ(refusal(R"({"$ref": "other.json"})", Errc::unsupported),
            "#: $ref 'other.json' is no pointer within the schema (#/...)");
  EXPECT_EQ(refusal(R"({"patternProperties": {"^a": {}, "^b": {}}})", Errc::unsupported),
            "#: patternProperties is supported with one pattern and no other properties");
  EXPECT_EQ(refusal(R"({"properties": {"a": {}}, "propertyNames": {"pattern": "^a"}})",
                    Errc::unsupported),
            "#: propertyNames beside properties is not supported");
  EXPECT_EQ(refusal(R"({"type": "object", "minProperties": 3})", Errc::unsupported),
            "#: minProperties above the number of required properties is not supported");
  EXPECT_EQ(refusal(R"({"properties": {"a": {}, "b": {}}, "maxProperties": 1})", Errc::unsupported),
            "#: maxProperties below the number of possible properties is not supported");
  EXPECT_EQ(refusal(R"({"allOf": [{"pattern": "^a$"}, {"pattern": "^b$"}]})", Errc::unsupported),
            "#/allOf/1: pattern meets another in allOf, which is not supported");
  EXPECT_EQ(refusal(R"({"unevaluatedProperties": {}})", Errc::unsupported),
            "#: unevaluatedProperties is supported as a boolean");
}

TEST(GrammarOfSchema, SchemasThatNoValueFitsAreRefused) {
  EXPECT_EQ(refusal("false", Errc::invalid_argument), "#: schema is false: no value fits");
  EXPECT_EQ(refusal(R"({"allOf": [{"type": "string"}, {"type": "null"}]})", Errc::invalid_argument),
            "#: schema fits no value");
  EXPECT_EQ(refusal(R"({"type": "integer", "minimum": 5, "maximum": 4})", Errc::invalid_argument),
            "#: schema fits no value");
  EXPECT_EQ(refusal(R"({"properties": {"a": false}, "required": ["a"]})", Errc::invalid_argument),
            "#: required 'a' can have no value");
  EXPECT_EQ(refusal(R"({"enum": []})", Errc::invalid_argument), "#: schema fits no value");
  // A value of it would have to be endless.
  EXPECT_NE(
      refusal(R"({"properties": {"a": {"$ref": "#"}}, "required": ["a"]})", Errc::invalid_argument),
      "accepted");
}

TEST(GrammarOfSchema, CountsThatContradictEachOtherFitNoValue) {
  for (const char* schema : {R"({"type": "string", "minLength": 5, "maxLength": 3})",
                             R"({"type": "string", "minLength": 5000, "maxLength": 3})",
                             R"({"type": "array", "minItems": 2, "maxItems": 1})",
                             R"({"type": "object", "minProperties": 1, "maxProperties": 0})"})
    EXPECT_EQ(refusal(schema, Errc::invalid_argument), "#: schema fits no value") << schema;
  EXPECT_TRUE(matches(R"({"type": ["string", "null"], "minLength": 5, "maxLength": 3})", "null"));
}

TEST(GrammarOfSchema, ALengthHoldsAlsoWhereEveryTypeIsNamed) {
  constexpr const char* kSchema =
      R"({"type": ["string", "number", "integer", "boolean", "object", "array", "null"],
          "minLength": 2})";
  EXPECT_TRUE(matches(kSchema, R"("ab")"));
  EXPECT_FALSE(matches(kSchema, R"("a")"));
  EXPECT_TRUE(matches(kSchema, "[7]"));
}

TEST(GrammarOfSchema, BoundsBeyondAllNumbersBoundNothing) {
  constexpr const char* kSchema = R"({"type": "number", "minimum": -1.7976931348623157e308,
                                      "exclusiveMaximum": 1e50})";
  EXPECT_TRUE(matches(kSchema, "-1234567890.5"));
  EXPECT_TRUE(matches(kSchema, "7"));
  EXPECT_FALSE(matches(kSchema, "1e60"));
}

// 2^60 ways through sixty schemas, each of which asks for the next one twice; and 256 branches
// that are joined with thousands of schemas.
TEST(GrammarOfSchema, SharedReferencesCostNoMoreThanTheLimit) {
  std::string shared = R"({"$defs": {)";
  for (int i = 0; i < 60; ++i)
    shared += fmt::format(R"("d{0}": {{"allOf": [{{"$ref": "#/$defs/d{1}"}}, )"
                          R"({{"$ref": "#/$defs/d{1}"}}]}}, )",
                          i, i + 1);
  EXPECT_EQ(refusal(shared + R"("d60": {}}, "allOf": [{"$ref": "#/$defs/d40"}]})",
                    Errc::resource_exhausted),
            "schema: its places join more than 200000 schemas");
  std::string joined = R"({"allOf": [{"anyOf": [true)";
  for (int i = 0; i < 255; ++i) joined += ", true";
  joined += "]}";
  for (int i = 0; i < 20'000; ++i) joined += ", {}";
  EXPECT_EQ(refusal(joined + "]}", Errc::resource_exhausted),
            "schema: its places join more than 200000 schemas");
}

TEST(GrammarOfSchema, ReferencesThatLeadNowhereOrInCirclesAreRefused) {
  EXPECT_EQ(refusal(R"({"$ref": "#/$defs/a"})", Errc::invalid_argument),
            "#: $ref '#/$defs/a' leads nowhere");
  EXPECT_EQ(refusal(R"({"$ref": "#"})", Errc::invalid_argument), "#: $ref leads back to itself");
  EXPECT_EQ(
      refusal(R"({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}},
                       "$ref": "#/$defs/a"})",
              Errc::invalid_argument),
      "#/$defs/a: $ref leads back to itself");
}

TEST(GrammarOfSchema, EveryLimitIsNamed) {
  EXPECT_EQ(refusal(R"({"type": "string"})", Errc::resource_exhausted, {.schema_bytes_max = 10}),
            "schema: 18 bytes, at most 10");
  EXPECT_EQ(refusal(R"({"items": {"items": {"items": {}}}})", Errc::resource_exhausted,
                    {.nesting_max = 2}),
            "schema: nests deeper than 2");
  EXPECT_EQ(refusal(R"({"allOf": [{"anyOf": [true, {}, {}]}, {"anyOf": [true, {}, {}]}]})",
                    Errc::resource_exhausted, {.alternatives_max = 8}),
            "schema: more than 8 ways to choose branches of anyOf");
  EXPECT_EQ(
      refusal(R"({"properties": {"a": {}, "b": {}}})", Errc::resource_exhausted, {.work_max = 4}),
      "schema: its places join more than 4 schemas");
  EXPECT_EQ(refusal(R"({"minimum": 1e50})", Errc::resource_exhausted),
            "#: minimum has more than 40 digits");
  const std::string name(200'000, 'a');
  EXPECT_EQ(refusal(fmt::format(R"({{"properties": {{"{}": {{}}}}, "additionalProperties": true}})",
                                name),
                    Errc::resource_exhausted),
            "schema: property '" + name.substr(0, 60) +
                "...' has 200000 characters, at most 1000 beside other properties");
  EXPECT_EQ(refusal(R"({"type": "string", "minLength": 2000000})", Errc::resource_exhausted),
            "schema: at least 2000000 repetitions, at most 1000000 are counted");
  std::string chain = R"({"$defs": {)";
  for (int i = 0; i < 100; ++i)
    chain += fmt::format(R"("d{}": {{"$ref": "#/$defs/d{}"}}, )", i, i + 1);
  EXPECT_EQ(refusal(chain + R"("d100": {}}, "$ref": "#/$defs/d0"})", Errc::resource_exhausted),
            "#/$defs/d63: $ref leads through more than 64 schemas");
}

}  // namespace
}  // namespace hearth::serve
