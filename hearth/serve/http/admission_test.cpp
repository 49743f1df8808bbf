#include "hearth/serve/http/admission.h"

#include <gtest/gtest.h>

namespace hearth::http {
namespace {

struct Fixture {
  Fixture() {
    policy.body_bytes_max = 100;
    router.answer("GET", "/a", [](const Request&) { return Response{}; });
    router.answer("POST", "/big/{name}", [](const Request&) { return Response{}; },
                  {.body_bytes_max = 1000});
    router.answer("POST", "/a", [](const Request&) { return Response{}; });
  }
  Admission decide(std::string method, std::string target, Headers headers,
                   uint64_t length_bytes = 0) const {
    RequestHead head = {.method = std::move(method), .target = std::move(target)};
    head.headers = std::move(headers);
    head.content_length_bytes = length_bytes;
    return http::decide(std::move(head), router, policy);
  }
  int status(std::string method, std::string target, Headers headers,
             uint64_t length_bytes = 0) const {
    const Admission admission =
        decide(std::move(method), std::move(target), std::move(headers), length_bytes);
    return admission.answer ? admission.answer->status : 0;
  }
  Router router;
  Policy policy;
};

const Headers kHost = {{"Host", "localhost:11434"}};

TEST(HttpAdmission, LetsInWhatARouteTakes) {
  const Fixture f;
  const Admission admission = f.decide("POST", "/big/a%20b?x=1", kHost, 1000);
  ASSERT_TRUE(admission.route);
  EXPECT_FALSE(admission.answer);
  EXPECT_EQ(admission.request.parameter("name"), "a b");
  EXPECT_EQ(admission.body_bytes_max, 1000u);
}

TEST(HttpAdmission, TurnsAwayWithTheRightStatus) {
  const Fixture f;
  EXPECT_EQ(f.status("GET", "/%", kHost), 400);
  EXPECT_EQ(f.status("GET", "/a", {}), 400);
  EXPECT_EQ(f.status("GET", "/a", {{"Host", "localhost"}, {"Host", "localhost"}}), 400);
  EXPECT_EQ(f.status("GET", "/a", {{"Host", "evil.example"}}), 403);
  EXPECT_EQ(f.status("GET", "http://evil.example/a", kHost), 403);
  EXPECT_EQ(f.status("GET", "/a", {{"Host", "localhost"}, {"Origin", "http://evil.example"}}), 403);
  EXPECT_EQ(f.status("GET", "/b", kHost), 404);
  EXPECT_EQ(f.status("BREW", "/a", kHost), 405);
  EXPECT_EQ(f.status("POST", "/a", kHost, 101), 413);
  EXPECT_EQ(f.status("POST", "/a", kHost, 100), 0);
  EXPECT_EQ(f.status("POST", "/big/x", kHost, 1001), 413);
  EXPECT_EQ(f.decide("PUT", "/a", kHost).answer->headers.get("allow"), "GET, HEAD, OPTIONS, POST");
}

TEST(HttpAdmission, AnswersPreflights) {
  const Fixture f;
  const Admission admission = f.decide("OPTIONS", "/a",
                                       {{"Host", "localhost"},
                                        {"Origin", "http://localhost:3000"},
                                        {"Access-Control-Request-Method", "POST"},
                                        {"Access-Control-Request-Headers", "content-type"}});
  ASSERT_TRUE(admission.answer);
  EXPECT_EQ(admission.answer->status, 204);
  EXPECT_EQ(admission.answer->headers.get("access-control-allow-headers"), "content-type");
  EXPECT_EQ(admission.headers.get("access-control-allow-origin"), "http://localhost:3000");
  EXPECT_EQ(f.status("OPTIONS", "*", kHost), 204);
  EXPECT_EQ(f.status("OPTIONS", "/none", kHost), 404);
}

TEST(HttpAdmission, TheHookSeesTheRequestBeforeItsBodyAndMayRefuse) {
  Fixture f;
  f.policy.admit = [](Request& request) -> std::optional<Response> {
    if (request.headers.get("authorization") != "Bearer good") return Response::text(401, "no");
    request.caller = "anna";
    return std::nullopt;
  };
  EXPECT_EQ(f.status("GET", "/a", kHost), 401);
  const Admission in =
      f.decide("GET", "/a", {{"Host", "localhost"}, {"Authorization", "Bearer good"}});
  EXPECT_EQ(in.request.caller, "anna");
  EXPECT_TRUE(in.route);
}

TEST(HttpAdmission, ErrorsTakeTheFormOfTheirApi) {
  Fixture f;
  f.policy.error_form = [](std::string_view path, int status, std::string_view text) {
    return Response::json(status, std::string(path) + "|" + std::string(text));
  };
  EXPECT_EQ(f.decide("GET", "/v1/none", kHost).answer->body, "/v1/none|no such path");
}

TEST(HttpAdmission, TakesSaneRequestIdsAndReplacesOthers) {
  const Fixture f;
  EXPECT_EQ(f.decide("GET", "/a", {{"Host", "localhost"}, {"X-Request-Id", "abc-1"}}).request.id,
            "abc-1");
  EXPECT_TRUE(f.decide("GET", "/a", {{"Host", "localhost"}, {"X-Request-Id", "a b"}})
                  .request.id.starts_with("req_"));
}

}  // namespace
}  // namespace hearth::http
