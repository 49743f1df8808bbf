#include "hearth/serve/http/router.h"

#include <gtest/gtest.h>

namespace hearth::http {
namespace {

Router::Match find(const Router& router, std::string_view method, std::string_view path) {
  return router.find(method, parse_target(path)->segments);
}

Response nothing(const Request&) { return {}; }

TEST(HttpRouter, TakesParametersFromOneSegmentOrFromAllThatAreLeft) {
  Router router;
  router.answer("GET", "/blobs/{digest}/part/{number}", nothing);
  router.answer("GET", "/models/{name...}", nothing);
  const auto blob = find(router, "GET", "/blobs/sha256%3Aab/part/7");
  ASSERT_TRUE(blob.route);
  EXPECT_EQ(blob.parameters.at(0), std::pair(std::string("digest"), std::string("sha256:ab")));
  EXPECT_EQ(blob.parameters.at(1).second, "7");
  EXPECT_EQ(find(router, "GET", "/models/hf.co/user/repo").parameters.at(0).second,
            "hf.co/user/repo");
  EXPECT_FALSE(find(router, "GET", "/models").route);
  EXPECT_FALSE(find(router, "GET", "/models/").route) << "a parameter is never empty";
  EXPECT_FALSE(find(router, "GET", "/blobs//part/7").route);
}

TEST(HttpRouter, PrefersLiteralsWhateverTheOrderOfTheirAdding) {
  Router router;
  RouteOptions rest = {.body_bytes_max = 1}, one = {.body_bytes_max = 2},
               fixed = {.body_bytes_max = 3};
  router.answer("GET", "/a/{x...}", nothing, rest);
  router.answer("GET", "/a/b", nothing, fixed);
  router.answer("GET", "/a/{x}", nothing, one);
  EXPECT_EQ(find(router, "GET", "/a/b").route->options.body_bytes_max, 3u);
  EXPECT_EQ(find(router, "GET", "/a/c").route->options.body_bytes_max, 2u);
  EXPECT_EQ(find(router, "GET", "/a/b/c").route->options.body_bytes_max, 1u);
}

TEST(HttpRouter, LooksForTheMethodInEveryPatternThatFits) {
  Router router;
  router.answer("POST", "/m/copy", nothing);
  router.answer("GET", "/m/{name}", nothing);
  EXPECT_EQ(find(router, "GET", "/m/copy").parameters.at(0).second, "copy");
  EXPECT_TRUE(find(router, "POST", "/m/copy").parameters.empty());
}

TEST(HttpRouter, NamesTheMethodsOfAPathThatHasNotThisOne) {
  Router router;
  router.answer("GET", "/a", nothing);
  router.answer("DELETE", "/a", nothing);
  router.answer("POST", "/b", nothing);
  const auto match = find(router, "POST", "/a");
  EXPECT_FALSE(match.route);
  EXPECT_EQ(match.allow, "DELETE, GET, HEAD, OPTIONS");
  EXPECT_EQ(find(router, "GET", "/b").allow, "OPTIONS, POST");
  EXPECT_EQ(find(router, "GET", "/c").allow, "");
}

TEST(HttpRouter, AnswersHeadWithGetUnlessItHasItsOwn) {
  Router router;
  router.answer("GET", "/a", nothing);
  router.answer("GET", "/b", nothing);
  router.answer("HEAD", "/b", nothing);
  EXPECT_EQ(find(router, "HEAD", "/a").route->method, "GET");
  EXPECT_EQ(find(router, "HEAD", "/b").route->method, "HEAD");
}

TEST(HttpRouterDeathTest, TheSameRouteTwiceIsABug) {
  Router router;
  router.answer("GET", "/a/{x}", nothing);
  EXPECT_DEATH(router.answer("GET", "/a/{y}", nothing), "method");
}

}  // namespace
}  // namespace hearth::http
