// Bodies that a sink takes while they arrive.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "hearth/base/error.h"
#include "hearth/serve/http/client_for_test.h"
#include "hearth/serve/http/server.h"
#include "hearth/serve/http/server_for_test.h"

namespace hearth::http {
namespace {

using std::chrono::milliseconds;

// What the sinks of one server saw.
class Uploads {
 public:
  explicit Uploads(Limits limits = {}, RouteOptions route = {})
      : server(router(route), {.listen = {{"127.0.0.1", 0}}, .limits = limits}) {
    server.start();
  }

  uint16_t port() const { return server.addresses().at(0).port; }
  std::string answer_to(std::string_view bytes) const {
    RawClient client(port());
    client.send(bytes);
    return client.read_to_end();
  }
  bool wait_for_destroyed(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return destroyed_ >= count; });
  }
  size_t piece_bytes_max() {
    std::lock_guard lock(mutex_);
    return piece_bytes_max_;
  }
  int finished() {
    std::lock_guard lock(mutex_);
    return finished_;
  }

  milliseconds write_takes{0};  // each of the first three pieces

 private:
  class Sink final : public BodySink {
   public:
    Sink(Uploads& all, std::string mode) : all_(all), mode_(std::move(mode)) {}
    ~Sink() override {
      std::lock_guard lock(all_.mutex_);
      ++all_.destroyed_;
      all_.changed_.notify_all();
    }
    void write(std::string_view bytes) override {
      if (mode_ == "full") throw Error(Errc::resource_exhausted, "the disk is full");
      if (mode_ == "bug") throw std::runtime_error("a secret of the inside");
      if (pieces_++ < 3) std::this_thread::sleep_for(all_.write_takes);
      body_ += bytes;
      std::lock_guard lock(all_.mutex_);
      all_.piece_bytes_max_ = std::max(all_.piece_bytes_max_, bytes.size());
    }
    Response finish() override {
      if (mode_ == "mismatch") throw Error(Errc::invalid_argument, "digest mismatch");
      std::lock_guard lock(all_.mutex_);
      ++all_.finished_;
      return Response::text(201, body_);
    }

   private:
    Uploads& all_;
    const std::string mode_;
    std::string body_;
    int pieces_ = 0;
  };

  Router router(RouteOptions route) {
    Router made;
    made.upload(
        "POST", "/take/{mode}",
        [this](const Request& request) -> std::unique_ptr<BodySink> {
          const std::string mode(request.parameter("mode"));
          if (mode == "refused") throw Error(Errc::not_found, "no such place");
          return std::make_unique<Sink>(*this, mode);
        },
        route);
    return made;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  size_t piece_bytes_max_ = 0;
  int finished_ = 0, destroyed_ = 0;

 public:
  Server server;  // last: it stops before what the sinks use goes
};

std::string numbers(size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) text += std::to_string(i) + ' ';
  return text;
}

TEST(HttpUpload, ABodyArrivesInPiecesThatTheLimitBounds) {
  Uploads uploads({.body_bytes_max = 64 << 20, .upload_bytes_max = 64 << 10});
  uploads.write_takes = milliseconds(20);
  const std::string body = numbers(8 << 20);
  RawClient client(uploads.port());
  for (int i = 0; i < 2; ++i) {
    SCOPED_TRACE(i);
    client.send(post("/take/all", body));
    const std::string answer = client.read_answer();
    EXPECT_EQ(status_in(answer), 201);
    EXPECT_EQ(header_in(answer, "connection"), "keep-alive");
    EXPECT_TRUE(body_in(answer) == body);
  }
  EXPECT_GT(uploads.piece_bytes_max(), 8u << 10) << "what waits is not put together";
  EXPECT_LE(uploads.piece_bytes_max(), (64u << 10) + (80u << 10));
  EXPECT_TRUE(uploads.wait_for_destroyed(2));
}

TEST(HttpUpload, ChunkedAndEmptyBodiesAndExpectationsWork) {
  Uploads uploads;
  const std::string start = "POST /take/all HTTP/1.1\r\nHost: localhost\r\n";
  RawClient client(uploads.port());
  client.send(start + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client.send("2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(body_in(client.read_answer()), "abcde");
  client.send(start + "Content-Length: 0\r\n\r\n");
  EXPECT_EQ(status_in(client.read_answer()), 201);
  client.send(start + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(status_in(client.read_until("\r\n\r\n")), 100);
  client.send("hi");
  EXPECT_EQ(body_in(client.read_answer()), "hi");
  EXPECT_EQ(uploads.finished(), 3);
}

TEST(HttpUpload, AnErrorOfTheSinkAnswersBeforeTheBodyIsThere) {
  Uploads uploads;
  const std::string rest = " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nbegin";
  const std::string full = uploads.answer_to("POST /take/full" + rest);
  EXPECT_EQ(status_in(full), 413);
  EXPECT_EQ(body_in(full), "the disk is full\n");
  EXPECT_EQ(header_in(full, "connection"), "close");
  EXPECT_EQ(status_in(uploads.answer_to("POST /take/refused" + rest)), 404);
  const std::string bug = uploads.answer_to("POST /take/bug" + rest);
  EXPECT_EQ(status_in(bug), 500);
  EXPECT_THAT(bug, testing::Not(testing::HasSubstr("secret")));
  EXPECT_TRUE(uploads.wait_for_destroyed(2));
  EXPECT_EQ(uploads.finished(), 0);
}

TEST(HttpUpload, AnErrorAtTheEndIsAnAnswerThatKeepsTheConnection) {
  Uploads uploads;
  RawClient client(uploads.port());
  client.send(post("/take/mismatch", "abc"));
  EXPECT_EQ(status_in(client.read_answer()), 400);
  client.send(post("/take/refused", ""));
  EXPECT_EQ(status_in(client.read_answer()), 404);
  client.send(post("/take/all", "abc"));
  EXPECT_EQ(status_in(client.read_answer()), 201);
}

TEST(HttpUpload, LimitsHoldForTheWholeBody) {
  Uploads uploads({}, {.body_bytes_max = 10});
  const std::string start = "POST /take/all HTTP/1.1\r\nHost: localhost\r\n";
  EXPECT_EQ(status_in(uploads.answer_to(start + "Content-Length: 11\r\n\r\n")), 413);
  EXPECT_EQ(status_in(uploads.answer_to(start + "Transfer-Encoding: chunked\r\n\r\n"
                                                "6\r\nabcdef\r\n5\r\nghijk\r\n")),
            413);
  EXPECT_EQ(uploads.finished(), 0);
}

TEST(HttpUpload, AClientThatLeavesLeavesNothing) {
  Uploads uploads;
  {
    RawClient client(uploads.port());
    client.send("POST /take/all HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc");
    client.reset();
  }
  RawClient half(uploads.port());
  half.send("POST /take/all HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc");
  half.end_sending();
  EXPECT_EQ(half.read_to_end(), "");
  EXPECT_EQ(uploads.finished(), 0);
}

TEST(HttpUpload, AWholeBodyIsAnsweredAlsoWhenItsSenderHasClosedItsSide) {
  Uploads uploads;
  uploads.write_takes = milliseconds(100);
  RawClient client(uploads.port());
  client.send(post("/take/all", "abc"));
  client.end_sending();
  EXPECT_EQ(body_in(client.read_to_end()), "abc");
}

TEST(HttpUpload, ASlowSinkIsNotTheClientsDelay) {
  Uploads uploads({.upload_bytes_max = 16 << 10, .body_timeout = milliseconds(2000)});
  uploads.write_takes = milliseconds(2500);
  RawClient client(uploads.port());
  client.send(post("/take/all", numbers(100 << 10)));
  EXPECT_EQ(status_in(client.read_answer()), 201);
  RawClient slow(uploads.port());
  slow.send("POST /take/all HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(status_in(slow.read_to_end()), 408);
}

}  // namespace
}  // namespace hearth::http
