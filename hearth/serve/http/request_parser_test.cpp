#include "hearth/serve/http/request_parser.h"

#include <gtest/gtest.h>

namespace hearth::http {
namespace {

using State = RequestParser::State;

// Feeds everything, `step` bytes at a time as a network would, keeping what was not taken.
RequestParser parse(std::string_view bytes, size_t step = 1 << 20, uint64_t body_max = 1 << 20) {
  RequestParser parser(1024);
  std::string waiting;
  for (size_t at = 0; at < bytes.size(); at += step) {
    waiting += bytes.substr(at, step);
    for (size_t taken = 1; taken > 0 && parser.state() < State::done;) {
      taken = parser.put(waiting);
      waiting.erase(0, taken);
      if (parser.state() == State::body) parser.body_bytes_max(body_max);
    }
  }
  return parser;
}

int error_of(std::string_view bytes) {
  const RequestParser parser = parse(bytes);
  return parser.state() == State::failed ? parser.error_status() : 0;
}

constexpr const char* kChunked =
    "POST /a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nabc\r\n5;name=x\r\ndefgh\r\n0\r\nHost: late\r\n\r\n";

TEST(HttpRequestParser, PiecesOfAnySizeGiveTheSameRequest) {
  for (size_t step : {1u, 2u, 3u, 7u, 1000u}) {
    SCOPED_TRACE(step);
    RequestParser parser = parse(kChunked, step);
    ASSERT_EQ(parser.state(), State::done);
    EXPECT_EQ(parser.head().method, "POST");
    EXPECT_EQ(parser.head().target, "/a?b");
    EXPECT_EQ(parser.head().headers.count("host"), 1u) << "a trailer changes no header";
    EXPECT_TRUE(parser.head().has_body);
    EXPECT_EQ(parser.take_body(), "abcdefgh");
  }
}

TEST(HttpRequestParser, StopsBehindTheHeadAndBehindTheRequest) {
  RequestParser parser(1024);
  std::string bytes = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nabGET / HTTP/1.1\r\n";
  bytes.erase(0, parser.put(bytes));
  EXPECT_EQ(parser.state(), State::body);
  EXPECT_EQ(parser.head().content_length_bytes, 2u);
  bytes.erase(0, parser.put(bytes));
  EXPECT_EQ(parser.state(), State::done);
  EXPECT_EQ(parser.take_body(), "ab");
  EXPECT_EQ(bytes, "GET / HTTP/1.1\r\n");
}

TEST(HttpRequestParser, KeepsAliveAsVersionAndHeaderSay) {
  const auto keeps = [](std::string text) { return parse(text).head().keep_alive; };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
}

TEST(HttpRequestParser, RefusesMalformedRequestsWithTheirStatus) {
  EXPECT_EQ(error_of("G@T / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(error_of("GET /\r\n\r\n"), 400);
  EXPECT_EQ(error_of("GET / HTTP/2.0\r\n\r\n"), 505);
  EXPECT_EQ(error_of("GET / HTTP/1.1\r\nno colon\r\n\r\n"), 400);
  EXPECT_EQ(error_of("GET / HTTP/1.1\r\nName : x\r\n\r\n"), 400);
  EXPECT_EQ(error_of("GET / HTTP/1.1\r\nX: a\x01\r\n\r\n"), 400);
  EXPECT_EQ(error_of("GET / HTTP/1.1\r\nX: " + std::string(2000, 'a') + "\r\n\r\n"), 431);
  EXPECT_EQ(error_of("GET /" + std::string(2000, 'a')), 431);
  // Each half within the limit, together beyond it.
  EXPECT_EQ(error_of("GET /" + std::string(700, 'a') + " HTTP/1.1\r\nX: " + std::string(700, 'a') +
                     "\r\n\r\n"),
            431);
}

TEST(HttpRequestParser, RefusesEveryDoubtAboutWhereARequestEnds) {
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(error_of(start + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), 400);
  EXPECT_EQ(error_of(start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400);
  EXPECT_EQ(error_of(start + "Content-Length: -1\r\n\r\n"), 400);
  EXPECT_EQ(error_of(start + "Content-Length: 99999999999999999999\r\n\r\n"), 400);
  EXPECT_EQ(error_of(start + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501);
  EXPECT_EQ(error_of(start + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), 501);
  EXPECT_EQ(error_of(start + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"), 400);
  EXPECT_EQ(error_of(start + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n"), 400);
}

TEST(HttpRequestParser, RefusesBodiesThatNobodyCanUnpack) {
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n";
  EXPECT_EQ(error_of(start + "Content-Encoding: br\r\n\r\na"), 415);
  EXPECT_EQ(error_of(start + "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n\r\na"), 415);
  EXPECT_EQ(error_of(start + "Content-Encoding: gzip, zstd\r\n\r\na"), 415);
  for (const char* known : {"Identity", "GZIP", "zstd"})
    EXPECT_EQ(error_of(start + "Content-Encoding: " + known + "\r\n\r\na"), 0) << known;
}

TEST(HttpRequestParser, CountsTheBodyThatComesNotTheOneThatIsClaimed) {
  const RequestParser parser = parse(kChunked, 1, /*body_max=*/7);
  EXPECT_EQ(parser.state(), State::failed);
  EXPECT_EQ(parser.error_status(), 413);
  EXPECT_EQ(parse(kChunked, 1, /*body_max=*/8).state(), State::done);
}

}  // namespace
}  // namespace hearth::http
