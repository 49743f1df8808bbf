#include "hearth/serve/http/response.h"

#include <gtest/gtest.h>

#include "hearth/serve/http/request_id.h"
#include "hearth/serve/http/response_head.h"

namespace hearth::http {
namespace {

constexpr std::time_t kNoon = 784111777;  // RFC 9110's own example

TEST(HttpResponse, WritesTheHeadInFull) {
  Response response = Response::text(404, "x");
  response.headers.add("Content-Length", "7");  // not the handler's to say
  EXPECT_EQ(
      head_bytes(response, {.length_bytes = 1}, "id-1", kNoon),
      "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain; charset=utf-8\r\n"
      "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nx-request-id: id-1\r\nconnection: keep-alive\r\n"
      "content-length: 1\r\n\r\n");
}

TEST(HttpResponse, FramesStreamsByChunksOrByTheEnd) {
  const Response ok = {};
  EXPECT_NE(head_bytes(ok, {.chunked = true}, "i", kNoon).find("transfer-encoding: chunked\r\n"),
            std::string::npos);
  const std::string closing = head_bytes(ok, {.keep_alive = false}, "i", kNoon);
  EXPECT_EQ(closing.find("transfer-encoding"), std::string::npos);
  EXPECT_NE(closing.find("connection: close\r\n"), std::string::npos);
  EXPECT_EQ(chunk_bytes("0123456789abcdefg"), "11\r\n0123456789abcdefg\r\n");
  EXPECT_EQ(head_bytes({.status = 204, .headers = {}, .body = {}}, {.length_bytes = 0}, "i", kNoon)
                .find("content-length"),
            std::string::npos);
}

TEST(HttpResponse, NoHeaderCanSplitAnAnswer) {
  Headers headers;
  EXPECT_THROW(headers.add("x", "a\r\nset-cookie: b"), Error);
  EXPECT_THROW(headers.add("x", std::string("a\0b", 3)), Error);
  EXPECT_THROW(headers.add("x y", "a"), Error);
  EXPECT_THROW(headers.add("", "a"), Error);
  EXPECT_TRUE(headers.empty());
}

TEST(HttpResponse, HeadersAreFoundWithoutCase) {
  Headers headers = {{"Content-Type", "a"}, {"Connection", "keep-alive , Upgrade"}};
  EXPECT_EQ(headers.get("content-TYPE"), "a");
  EXPECT_TRUE(headers.lists("connection", "upgrade"));
  EXPECT_FALSE(headers.lists("connection", "keep"));
  headers.set("CONTENT-TYPE", "b");
  EXPECT_EQ(headers.count("content-type"), 1u);
  EXPECT_EQ(headers.get("content-type"), "b");
}

TEST(HttpResponse, EveryErrorCodeHasItsStatus) {
  EXPECT_EQ(status_of(Errc::invalid_argument), 400);
  EXPECT_EQ(status_of(Errc::not_found), 404);
  EXPECT_EQ(status_of(Errc::conflict), 409);
  EXPECT_EQ(status_of(Errc::corrupt_data), 422);
  EXPECT_EQ(status_of(Errc::unsupported), 501);
  EXPECT_EQ(status_of(Errc::resource_exhausted), 413);
  EXPECT_EQ(status_of(Errc::unavailable), 503);
  EXPECT_EQ(status_of(Errc::io_failure), 500);
  EXPECT_EQ(status_of(Errc::too_long), 400);
}

TEST(HttpResponse, RetryAfterIsRoundedUpAndNeverZero) {
  using std::chrono::milliseconds;
  EXPECT_EQ(Response::retry_later(503, milliseconds(1001), "").headers.get("retry-after"), "2");
  EXPECT_EQ(Response::retry_later(429, milliseconds(0), "").headers.get("retry-after"), "1");
}

TEST(HttpResponse, RequestIdsAreSaneAndDiffer) {
  EXPECT_TRUE(is_sane_request_id("req-1.a_B:c"));
  for (const std::string& id : {std::string(), std::string(129, 'a'), std::string("a b"),
                                std::string("a\n"), std::string("a/b"), std::string(1, '\0')})
    EXPECT_FALSE(is_sane_request_id(id));
  const std::string id = make_request_id();
  EXPECT_EQ(id.size(), 36u);
  EXPECT_TRUE(is_sane_request_id(id));
  EXPECT_NE(id, make_request_id());
}

}  // namespace
}  // namespace hearth::http
