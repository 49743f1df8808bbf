#include "hearth/serve/schema/constraint_cache.h"

#include <gtest/gtest.h>

#include "hearth/serve/schema/schema_walk_for_test.h"

namespace hearth::serve {
namespace {

TEST(ConstraintCache, AFormThatWasAskedForBeforeIsTheSameOne) {
  ConstraintCache cache(trie_of(small_vocabulary()));
  const auto schema = cache.schema(R"({"type": "integer"})");
  EXPECT_EQ(cache.schema(R"({"type": "integer"})"), schema);
  EXPECT_NE(cache.schema(R"({"type":"integer"})"), schema);
  EXPECT_EQ(cache.json(), cache.json());
  EXPECT_EQ(cache.gbnf("root ::= \"a\""), cache.gbnf("root ::= \"a\""));
  EXPECT_EQ(cache.size(), 4u);
  EXPECT_TRUE(accepts(schema, "12"));
  EXPECT_TRUE(accepts(cache.json(), "[1]"));
  EXPECT_TRUE(accepts(cache.gbnf("root ::= \"a\""), "a"));
}

TEST(ConstraintCache, TheLeastLatelyUsedFormMakesRoom) {
  ConstraintCache cache(trie_of(small_vocabulary()), {.constraints_max = 2});
  const auto a = cache.schema("{\"const\": 1}"), b = cache.schema("{\"const\": 2}");
  EXPECT_EQ(cache.schema("{\"const\": 1}"), a);
  cache.schema("{\"const\": 3}");  // in place of b
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.schema("{\"const\": 1}"), a);
  EXPECT_NE(cache.schema("{\"const\": 2}"), b);
  EXPECT_TRUE(accepts(b, "2"));  // whoever holds it goes on
}

TEST(ConstraintCache, WhatCannotBeCompiledIsNotKept) {
  ConstraintCache cache(trie_of(small_vocabulary()));
  EXPECT_THROW(cache.schema("{"), Error);
  EXPECT_THROW(cache.gbnf("root"), Error);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(ConstraintCache, RecursionWithoutEndIsClosedInTime) {
  ConstraintCache cache(trie_of(small_vocabulary()));
  const auto tree = cache.schema(R"({"type": "array", "items": {"$ref": "#"}})");
  llm::Matcher matcher(tree);
  int open = 0;
  while (matcher.accept("[")) ASSERT_LT(++open, 300);
  EXPECT_GT(open, 50);
  for (; open > 0; --open) ASSERT_TRUE(matcher.accept("]")) << open;
  EXPECT_TRUE(matcher.is_final());
}

}  // namespace
}  // namespace hearth::serve
