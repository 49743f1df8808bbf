#include "hearth/serve/http/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::http {
namespace {

using testing::ElementsAre;

TEST(HttpTarget, DecodesPercentSigns) {
  EXPECT_EQ(decode_percent("a%20b%2Fc%c3%A4"), "a b/c\xc3\xa4");
  EXPECT_EQ(decode_percent("a+b"), "a+b");
  EXPECT_EQ(decode_percent("a+b%2B", true), "a b+");
  EXPECT_EQ(decode_percent(""), "");
}

TEST(HttpTarget, RefusesWhatCannotBeDecoded) {
  for (const char* text : {"%", "a%2", "%zz", "%0", "%00", "a%-1", "% 1"})
    EXPECT_FALSE(decode_percent(text)) << text;
}

TEST(HttpTarget, SplitsBeforeItDecodesSoThatAnEncodedSlashStaysInItsSegment) {
  const auto target = parse_target("/v1/models/library%2Fqwen?x=1");
  ASSERT_TRUE(target);
  EXPECT_THAT(target->segments, ElementsAre("v1", "models", "library/qwen"));
  EXPECT_EQ(target->path, "/v1/models/library/qwen");
}

TEST(HttpTarget, KnowsTheRootTheAbsoluteFormAndTheStar) {
  EXPECT_THAT(parse_target("/")->segments, ElementsAre(""));
  EXPECT_THAT(parse_target("/a/")->segments, ElementsAre("a", ""));
  const auto absolute = parse_target("http://evil.example:80/api/tags?a=b");
  ASSERT_TRUE(absolute);
  EXPECT_EQ(absolute->authority, "evil.example:80");
  EXPECT_THAT(absolute->segments, ElementsAre("api", "tags"));
  EXPECT_EQ(*absolute->query.find("a"), "b");
  EXPECT_EQ(parse_target("http://host")->path, "/");
  EXPECT_EQ(parse_target("*")->path, "*");
  EXPECT_TRUE(parse_target("*")->segments.empty());
}

TEST(HttpTarget, RefusesDotSegmentsAndWhatIsNoTarget) {
  for (const char* text : {"", "a", "/a/../b", "/%2e%2E/b", "/./b", "/a\tb", "/\x80", "http://",
                           "ftp://host/", "/%", "/?a=%", "/?%zz=1"})
    EXPECT_FALSE(parse_target(text)) << text;
  EXPECT_TRUE(parse_target("/..a/b..")) << "dots in names are fine";
}

TEST(HttpTarget, ReadsQueriesInOrder) {
  const auto query = Query::parse("a=1&&b=&c&a=2&d=x%26y+z&=e");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->size(), 6u);
  EXPECT_EQ(*query->find("a"), "1");
  EXPECT_EQ(*query->find("b"), "");
  EXPECT_EQ(*query->find("c"), "");
  EXPECT_EQ(*query->find("d"), "x&y z");
  EXPECT_EQ(*query->find(""), "e");
  EXPECT_EQ(query->find("f"), nullptr);
}

}  // namespace
}  // namespace hearth::http
