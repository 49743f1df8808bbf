// Clients that are broken, slow, greedy or gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/serve/http/server_for_test.h"

namespace hearth::http {
namespace {

using std::chrono::milliseconds;

ServerOptions with_limits(Limits limits) {
  ServerOptions options;
  options.limits = limits;
  return options;
}

std::string answer_to(const ServerForTest& test, std::string_view bytes) {
  RawClient client(test.port());
  client.send(bytes);
  return client.read_to_end();
}

TEST(HttpHostile, MalformedRequestsGetTheirStatusAndTheDoor) {
  ServerForTest test;
  const std::string start = "POST /echo HTTP/1.1\r\nHost: localhost\r\n";
  EXPECT_EQ(status_in(answer_to(test, "G\x01T / HTTP/1.1\r\n\r\n")), 400);
  EXPECT_EQ(status_in(answer_to(test, "\x16\x03\x01\x02\x01 TLS, perhaps\r\n\r\n")), 400);
  EXPECT_EQ(status_in(answer_to(test, "GET / HTTP/3.0\r\n\r\n")), 505);
  EXPECT_EQ(status_in(answer_to(test, "GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n")), 400);
  EXPECT_EQ(status_in(answer_to(test, start + "Transfer-Encoding: chunked\r\n\r\nzz\r\n")), 400);
  EXPECT_EQ(status_in(answer_to(test, start + "Transfer-Encoding: gzip\r\n\r\n")), 501);
  EXPECT_EQ(status_in(answer_to(
                test, start + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(40'000, 'x'))),
            400);
  const std::string refused = answer_to(test, "nonsense\r\n\r\n");
  EXPECT_TRUE(header_in(refused, "x-request-id").starts_with("req_"));
  EXPECT_EQ(header_in(refused, "connection"), "close");
}

TEST(HttpHostile, WhereABodyEndsIsNeverInDoubt) {
  ServerForTest test;
  const std::string chunked = "Transfer-Encoding: chunked\r\n", body = "\r\n0\r\n\r\n";
  const std::string start = "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  EXPECT_EQ(status_in(answer_to(test, start + chunked + body)), 200);
  EXPECT_EQ(status_in(answer_to(test, start + chunked + chunked + body)), 400);
  EXPECT_EQ(status_in(answer_to(test, start + chunked + "Content-Length: 5\r\n" + body)), 400);
  EXPECT_EQ(status_in(answer_to(test, "POST /echo HTTP/1.0\r\n" + chunked + body)), 400);
}

TEST(HttpHostile, HugeHeadersEndAtTheLimit) {
  ServerForTest test;
  const std::string almost(64 << 10, 'a');
  EXPECT_EQ(status_in(answer_to(test, get("/hello", "X: " + almost + "\r\n"))), 431);
  EXPECT_EQ(status_in(answer_to(test, "GET /" + almost + almost)), 431);
  RawClient client(test.port());
  client.send(get("/hello", "X: " + std::string(60 << 10, 'a') + "\r\n"));
  EXPECT_EQ(status_in(client.read_answer()), 200);
}

TEST(HttpHostile, BodiesEndAtTheirLimitClaimedOrNot) {
  ServerForTest test(with_limits({.body_bytes_max = 1 << 20}));
  EXPECT_EQ(status_in(answer_to(test, post("/small", std::string(11, 'a')))), 413);
  EXPECT_EQ(status_in(answer_to(test,
                                "POST /small HTTP/1.1\r\nHost: localhost\r\n"
                                "Transfer-Encoding: chunked\r\n\r\nb\r\naaaaaaaaaaa\r\n")),
            413);
  // Nobody reads this body, and yet its sender can read the answer.
  EXPECT_EQ(status_in(answer_to(test, post("/echo", std::string(8 << 20, 'a')))), 413);
  RawClient client(test.port());
  client.send(post("/small", "0123456789"));
  EXPECT_EQ(status_in(client.read_answer()), 200);
}

TEST(HttpHostile, ASlowHeadOrBodyIsNotWaitedForForever) {
  ServerForTest test(
      with_limits({.header_timeout = milliseconds(150), .body_timeout = milliseconds(150)}));
  RawClient dripping(test.port());
  bool is_closed = false;
  for (char c : get("/hello", "X: " + std::string(3000, 'a') + "\r\n")) {  // half a minute of it
    dripping.send({&c, 1});
    if ((is_closed = dripping.is_closed_within(milliseconds(10)))) break;
  }
  EXPECT_TRUE(is_closed) << "each byte bought more time";
  EXPECT_EQ(test.wait_for_lines(1).at(0).status, 408);
  EXPECT_EQ(status_in(answer_to(test,
                                "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                                "Content-Length: 5\r\n\r\nab")),
            408);
}

TEST(HttpHostile, IdleConnectionsAreClosedWithoutAWord) {
  ServerForTest test(with_limits({.idle_timeout = milliseconds(100)}));
  EXPECT_EQ(answer_to(test, ""), "");
  RawClient client(test.port());
  client.send(get("/hello"));
  client.read_answer();
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(HttpHostile, AClientThatClosesOnlyItsSideStillGetsItsAnswer) {
  ServerForTest test;
  RawClient client(test.port());
  client.send(get("/hold"));
  client.end_sending();
  ASSERT_TRUE(test.wait_for_waiting(1));
  test.release();
  EXPECT_EQ(body_in(client.read_to_end()), "held");
  RawClient unfinished(test.port());
  unfinished.send("GET /hel");
  unfinished.end_sending();
  EXPECT_EQ(unfinished.read_to_end(), "");
}

// Its handler writes nothing more, so only the read under way can notice.
TEST(HttpHostile, LeavingInTheMiddleOfAStreamTripsTheToken) {
  ServerForTest test;
  for (const bool hard : {false, true}) {
    SCOPED_TRACE(hard ? "reset" : "close");
    auto client = std::make_unique<RawClient>(test.port());
    client->send(get("/wait"));
    client->read_until("first\n");
    ASSERT_TRUE(test.wait_for_waiting(hard ? 2 : 1));
    if (hard) client->reset();
    client.reset();
    ASSERT_TRUE(test.wait_for_gone(hard ? 2 : 1));
  }
  const auto lines = test.wait_for_lines(2);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_FALSE(lines[0].is_complete || lines[1].is_complete);
}

TEST(HttpHostile, AClientThatDoesNotReadStopsTheHandlerAndIsCutOff) {
  ServerForTest test(with_limits({.write_timeout = milliseconds(200)}));
  RawClient client(test.port());
  client.send(get("/forever"));
  EXPECT_TRUE(test.wait_for_gone(1));
  // What fits the system's buffers and the limit, not what the handler would have written.
  EXPECT_LT(test.wait_for_lines(1).at(0).sent_bytes, 64u << 20);
}

TEST(HttpHostile, TooManyConnectionsAreToldToComeBack) {
  ServerForTest test(with_limits({.connections_max = 2}));
  RawClient first(test.port()), second(test.port());
  first.send(get("/hello"));
  first.read_answer();
  second.send(get("/hello"));
  second.read_answer();
  const std::string refused = answer_to(test, get("/hello"));
  EXPECT_EQ(status_in(refused), 503);
  EXPECT_EQ(header_in(refused, "retry-after"), "1");
  first.send(get("/hello"));
  EXPECT_EQ(status_in(first.read_answer()), 200);
}

TEST(HttpHostile, TooManyRequestsAreToldToComeBack) {
  ServerOptions options = with_limits({.waiting_requests_max = 1});
  options.handler_threads = 1;
  ServerForTest test(std::move(options));
  RawClient held(test.port());
  held.send(get("/hold"));
  ASSERT_TRUE(test.wait_for_waiting(1));
  // Which of the three waits is the network's choice; that two do not is the limit's.
  RawClient clients[3] = {RawClient(test.port()), RawClient(test.port()), RawClient(test.port())};
  for (RawClient& client : clients) client.send(get("/hello"));
  EXPECT_EQ(test.wait_for_lines(2).size(), 2u);
  test.release();
  int answered = 0;
  for (RawClient& client : clients) {
    const std::string answer = client.read_answer();
    answered += status_in(answer) == 200;
    if (status_in(answer) == 200) continue;
    EXPECT_EQ(status_in(answer), 503);
    EXPECT_EQ(header_in(answer, "retry-after"), "1");
  }
  EXPECT_EQ(answered, 1);
  EXPECT_EQ(status_in(held.read_answer()), 200);
}

TEST(HttpHostile, AFloodOfPipelinedRequestsIsReadNoFurtherThanItIsAnswered) {
  ServerForTest test;
  RawClient client(test.port());
  client.send(get("/hold"));
  ASSERT_TRUE(test.wait_for_waiting(1));
  std::string flood;
  while (flood.size() < 300'000) flood += get("/hello");
  std::thread sender([&] { client.send(flood); });
  test.release();
  EXPECT_EQ(body_in(client.read_answer()), "held");
  for (size_t i = 0; i < flood.size() / get("/hello").size(); ++i)
    ASSERT_EQ(body_in(client.read_answer()), "hello");
  sender.join();
}

}  // namespace
}  // namespace hearth::http
