// What well-behaved clients see; hostile_test.cpp has the others.
#include "hearth/serve/http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>

#include "hearth/base/error.h"
#include "hearth/serve/http/server_for_test.h"

namespace hearth::http {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  ServerForTest test;
  RawClient client(test.port());
  for (int i = 0; i < 3; ++i) {
    client.send(get("/hello"));
    const std::string answer = client.read_answer();
    EXPECT_EQ(status_in(answer), 200);
    EXPECT_EQ(body_in(answer), "hello");
    EXPECT_EQ(header_in(answer, "connection"), "keep-alive");
  }
  client.send(get("/hello", "Connection: close\r\n"));
  EXPECT_THAT(client.read_to_end(), HasSubstr("connection: close"));
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  ServerForTest test;
  RawClient client(test.port());
  std::string requests;
  for (int i = 0; i < 200; ++i) requests += post("/echo", std::to_string(i)) + get("/none");
  client.send(requests);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(body_in(client.read_answer()), std::to_string(i));
    EXPECT_EQ(status_in(client.read_answer()), 404);
  }
}

TEST(HttpServer, UnpacksBodies) {
  ServerForTest test;
  RawClient client(test.port());
  // "hello hello hello hello", as gzip -9n packs it.
  const std::string packed(
      "\x1f\x8b\x08\0\0\0\0\0\x02\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01\xe3\x51\x3d\x8d"
      "\x17\0\0\0",
      28);
  const std::string head = "POST /echo HTTP/1.1\r\nHost: localhost\r\n";
  client.send(head + "Content-Encoding: gzip\r\nContent-Length: 28\r\n\r\n" + packed);
  EXPECT_EQ(body_in(client.read_answer()), "hello hello hello hello");
  client.send(head + "Content-Encoding: zstd\r\nContent-Length: 28\r\n\r\n" + packed);
  EXPECT_EQ(status_in(client.read_answer()), 400);
}

TEST(HttpServer, StreamsInChunksToNewClientsAndUntilTheEndToOldOnes) {
  ServerForTest test;
  RawClient client(test.port());
  client.send(get("/lines/2"));
  const std::string answer = client.read_until("0\r\n\r\n");
  EXPECT_EQ(header_in(answer, "transfer-encoding"), "chunked");
  EXPECT_EQ(header_in(answer, "content-type"), "application/x-ndjson");
  EXPECT_THAT(answer, HasSubstr("{\"i\":1}\n"));
  client.send(get("/hello"));
  EXPECT_EQ(body_in(client.read_answer()), "hello");

  RawClient old(test.port());
  old.send("GET /lines/2 HTTP/1.0\r\n\r\n");
  EXPECT_EQ(body_in(old.read_to_end()), "{\"i\":0}\n{\"i\":1}\n");
}

TEST(HttpServer, HeadAnswersWithoutABody) {
  ServerForTest test;
  RawClient client(test.port());
  client.send("HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n" +
              std::string("HEAD /lines/3 HTTP/1.1\r\nHost: localhost\r\n\r\n") + get("/hello"));
  EXPECT_EQ(header_in(client.read_until("\r\n\r\n"), "content-length"), "5");
  EXPECT_EQ(header_in(client.read_until("\r\n\r\n"), "transfer-encoding"), "chunked");
  EXPECT_EQ(body_in(client.read_answer()), "hello");
}

TEST(HttpServer, AnAnswerMayComeFromAnotherThread) {
  ServerForTest test;
  RawClient client(test.port());
  client.send(get("/later"));
  EXPECT_EQ(body_in(client.read_answer()), "later");
}

TEST(HttpServer, WhatHandlersThrowBecomesAnAnswer) {
  std::atomic<int> faults{0};
  ServerOptions options;
  options.fault = [&](const Request&, std::string_view what) {
    faults += what == "a secret of the inside";
  };
  ServerForTest test(std::move(options));
  RawClient client(test.port());
  client.send(get("/throw/not_found") + get("/throw/unavailable") + get("/throw/other"));
  const std::string missing = client.read_answer();
  EXPECT_EQ(status_in(missing), 404);
  EXPECT_EQ(body_in(missing), "model 'x' not found\n");
  const std::string busy = client.read_answer();
  EXPECT_EQ(status_in(busy), 503);
  EXPECT_EQ(header_in(busy, "retry-after"), "1");
  const std::string inside = client.read_answer();
  EXPECT_EQ(status_in(inside), 500);
  EXPECT_EQ(body_in(inside), "internal error\n");
  EXPECT_EQ(faults, 1);
}

TEST(HttpServer, WhatTheAdmitHookThrowsBecomesAnAnswer) {
  ServerOptions options;
  options.policy.admit = [](Request&) -> std::optional<Response> {
    throw Error(Errc::unavailable, "keys are being read");
  };
  ServerForTest test(std::move(options));
  RawClient client(test.port());
  client.send(get("/hello"));
  const std::string answer = client.read_answer();
  EXPECT_EQ(status_in(answer), 503);
  EXPECT_EQ(body_in(answer), "keys are being read\n");
}

TEST(HttpServer, AnAnswerThatBreaksOffHasNoEnd) {
  ServerForTest test;
  RawClient client(test.port());
  client.send(get("/cut"));
  const std::string answer = client.read_to_end();
  EXPECT_THAT(answer, HasSubstr("4\r\npart\r\n"));
  EXPECT_FALSE(answer.ends_with("0\r\n\r\n"));
  EXPECT_FALSE(test.wait_for_lines(1).at(0).is_complete);
}

TEST(HttpServer, RequestIdsAndCorsHeadersComeOnEveryAnswer) {
  ServerForTest test;
  RawClient client(test.port());
  client.send(get("/hello", "X-Request-Id: mine-1\r\nOrigin: http://localhost:3000\r\n") +
              get("/none"));
  const std::string first = client.read_answer(), second = client.read_answer();
  EXPECT_EQ(header_in(first, "x-request-id"), "mine-1");
  EXPECT_EQ(header_in(first, "access-control-allow-origin"), "http://localhost:3000");
  EXPECT_TRUE(header_in(second, "x-request-id").starts_with("req_"));
}

TEST(HttpServer, SaysContinueToWhoAsksBeforeABody) {
  ServerForTest test;
  RawClient client(test.port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ab");
  EXPECT_EQ(body_in(client.read_answer()), "ab");
  client.send(
      "POST /small HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(status_in(client.read_answer()), 413) << "before the body is sent in vain";
}

TEST(HttpServer, LogsOneLineARequestWithoutItsQuery) {
  ServerForTest test;
  RawClient client(test.port());
  client.send(get("/hello?secret=1", "X-Request-Id: r1\r\n"));
  const std::string answer = client.read_answer();
  const auto lines = test.wait_for_lines(1);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].method, "GET");
  EXPECT_EQ(lines[0].path, "/hello");
  EXPECT_EQ(lines[0].id, "r1");
  EXPECT_EQ(lines[0].status, 200);
  EXPECT_EQ(lines[0].sent_bytes, answer.size());
  EXPECT_GT(lines[0].duration.count(), 0);
  EXPECT_TRUE(lines[0].is_complete);
  EXPECT_THAT(lines[0].peer, testing::StartsWith("127.0.0.1:"));
}

TEST(HttpServer, TwoHundredConnectionsAtOnce) {
  ServerForTest test;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<RawClient>(test.port()));
  for (int i = 0; i < 200; ++i)
    clients[i]->send(post("/echo", std::to_string(i)) + get("/lines/50"));
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(body_in(clients[i]->read_answer()), std::to_string(i));
    EXPECT_THAT(clients[i]->read_until("0\r\n\r\n"), HasSubstr("{\"i\":49}"));
  }
  EXPECT_EQ(test.wait_for_lines(400).size(), 400u);
}

TEST(HttpServer, DrainingFinishesAnswersAndClosesIdleConnections) {
  ServerForTest test;
  RawClient busy(test.port()), idle(test.port());
  idle.send(get("/hello"));
  idle.read_answer();
  busy.send(get("/hold") + get("/hello"));
  ASSERT_TRUE(test.wait_for_waiting(1));
  std::thread stopping([&] { test.server.stop(std::chrono::seconds(30)); });
  EXPECT_TRUE(idle.is_closed_within(std::chrono::seconds(20)));
  test.release();
  const std::string answer = busy.read_to_end();
  EXPECT_EQ(body_in(answer), "held") << "and nothing of the request that had not begun";
  EXPECT_EQ(header_in(answer, "connection"), "close");
  stopping.join();
}

TEST(HttpServer, DrainingEndsWithWhoeverTakesTooLong) {
  ServerForTest test;
  RawClient client(test.port());
  client.send(get("/wait"));
  ASSERT_TRUE(test.wait_for_waiting(1));
  test.server.stop(milliseconds(50));
  EXPECT_TRUE(test.wait_for_gone(1)) << "its token trips, or stop() would wait for ever";
  EXPECT_FALSE(client.read_to_end().ends_with("0\r\n\r\n"));
}

TEST(HttpServer, WhoeverTakesTooLongCanStillSayWhyItEnds) {
  ServerForTest test;
  RawClient client(test.port());
  client.send(get("/goodbye"));
  ASSERT_TRUE(test.wait_for_waiting(1));
  test.server.stop(milliseconds(50));
  EXPECT_TRUE(client.read_to_end().ends_with("8\r\ngoodbye\n\r\n0\r\n\r\n"));
}

TEST(HttpServer, ListensOnSeveralAddresses) {
  ServerOptions options;
  options.listen = {{"127.0.0.1", 0}, {"127.0.0.1", 0}};
  ServerForTest test(std::move(options));
  for (const Address& address : test.server.addresses()) {
    RawClient client(address.port);
    client.send(get("/hello"));
    EXPECT_EQ(status_in(client.read_answer()), 200);
  }
}

TEST(HttpServer, SaysWhyItCannotListen) {
  const auto error_of = [](std::vector<Address> listen) {
    try {
      Server server(Router{}, {.listen = std::move(listen)});
      server.start();
    } catch (const Error& error) {
      return error;
    }
    return Error(Errc::io_failure, "started");
  };
  ServerForTest taken;
  const Error in_use = error_of({{"127.0.0.1", taken.port()}});
  EXPECT_EQ(in_use.code(), Errc::conflict);
  EXPECT_THAT(in_use.what(), HasSubstr(std::to_string(taken.port())));
  EXPECT_EQ(error_of({{"localhost", 0}}).code(), Errc::invalid_argument);
  EXPECT_EQ(error_of({}).code(), Errc::invalid_argument);
}

// What a real client makes of it.
std::string curl(const std::string& arguments) {
  FILE* pipe = popen(("curl -sS --max-time 30 " + arguments + " 2>&1").c_str(), "r");
  std::string output;
  char bytes[4096];
  while (const size_t n = fread(bytes, 1, sizeof bytes, pipe)) output.append(bytes, n);
  pclose(pipe);
  return output;
}

TEST(HttpServer, CurlUnderstandsIt) {
  ServerForTest test;
  const std::string url = "http://127.0.0.1:" + std::to_string(test.port());
  EXPECT_EQ(curl(url + "/hello"), "hello");
  EXPECT_EQ(curl("-d abc -H 'Transfer-Encoding: chunked' " + url + "/echo"), "abc");
  EXPECT_EQ(curl(url + "/lines/2"), "{\"i\":0}\n{\"i\":1}\n");
  EXPECT_EQ(curl("-o /dev/null -w '%{http_code}' -H 'Host: evil.example' " + url + "/hello"),
            "403");
  EXPECT_THAT(curl(url + "/cut"), HasSubstr("transfer closed"));
  EXPECT_EQ(
      curl("-o /dev/null -o /dev/null -w '%{num_connects} ' " + url + "/hello " + url + "/hello"),
      "1 0 ");
}

}  // namespace
}  // namespace hearth::http
