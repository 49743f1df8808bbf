#include "hearth/serve/http/server_for_test.h"

#include <stdexcept>

#include "hearth/base/error.h"
#include "hearth/serve/http/streaming.h"

namespace hearth::http {
namespace {

constexpr std::chrono::seconds kPatience{30};

ServerOptions with_log(ServerOptions options, AccessLog log) {
  if (options.listen.empty()) options.listen = {{"127.0.0.1", 0}};
  options.access_log = std::move(log);
  return options;
}

Response throw_something(const Request& request) {
  const std::string_view what = request.parameter("what");
  if (what == "not_found") throw Error(Errc::not_found, "model 'x' not found");
  if (what == "unavailable") throw Error(Errc::unavailable, "busy");
  throw std::runtime_error("a secret of the inside");
}

void stream_lines(const Request& request, Responder& responder) {
  NdjsonStream stream(std::move(responder));
  const int count = std::stoi(std::string(request.parameter("count")));
  for (int i = 0; i < count; ++i)
    if (!stream.line(fmt::format("{{\"i\":{}}}", i))) return;
  stream.finish();
}

void break_off(const Request&, Responder& responder) {
  responder.start(Response::text(200, ""));
  responder.write("part");
  responder.abandon();
}

}  // namespace

ServerForTest::ServerForTest(ServerOptions options)
    : server(make_router(), with_log(std::move(options), [this](const AccessLine& line) {
               std::lock_guard lock(mutex_);
               lines_.push_back(line);
               changed_.notify_all();
             })) {
  server.start();
}

ServerForTest::~ServerForTest() {
  release();
  server.stop(std::chrono::seconds(0));
  for (std::thread& thread : threads_) thread.join();
}

Router ServerForTest::make_router() {
  Router router;
  const auto echo = [](const Request& request) { return Response::text(200, request.body); };
  router.answer("GET", "/hello", [](const Request&) { return Response::text(200, "hello"); });
  router.answer("POST", "/echo", echo);
  router.answer("POST", "/small", echo, {.body_bytes_max = 10});
  router.stream("GET", "/lines/{count}", stream_lines);
  router.stream("GET", "/cut", break_off);
  router.answer("GET", "/throw/{what}", throw_something);
  router.answer("GET", "/hold", [this](const Request&) {
    hold();
    return Response::text(200, "held");
  });
  router.stream("GET", "/later", [this](const Request&, Responder& responder) {
    std::lock_guard lock(mutex_);
    threads_.emplace_back(
        [moved = std::move(responder)]() mutable { moved.send(Response::text(200, "later")); });
  });
  router.stream("GET", "/wait", [this](const Request& request, Responder& responder) {
    wait_for_leaving(request, responder);
  });
  router.stream("GET", "/goodbye", [this](const Request& request, Responder& responder) {
    wait_for_leaving(request, responder);
    responder.write("goodbye\n");
    responder.finish();
  });
  router.stream("GET", "/forever", [this](const Request& request, Responder& responder) {
    responder.start(Response::text(200, ""));
    while (responder.write(std::string(10'000, 'x'))) {
    }
    wait_for_leaving(request, responder);
  });
  return router;
}

void ServerForTest::hold() {
  std::unique_lock lock(mutex_);
  ++waiting_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return released_; });
}

void ServerForTest::wait_for_leaving(const Request& request, Responder& responder) {
  if (!responder.is_started()) {
    responder.start(Response::text(200, ""));
    responder.write("first\n");
  }
  std::condition_variable_any left;
  std::unique_lock lock(mutex_);
  ++waiting_;
  changed_.notify_all();
  left.wait(lock, request.closed, [] { return false; });
  ++gone_;
  changed_.notify_all();
}

void ServerForTest::release() {
  std::lock_guard lock(mutex_);
  released_ = true;
  changed_.notify_all();
}

bool ServerForTest::wait_for_waiting(int count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return waiting_ >= count; });
}

bool ServerForTest::wait_for_gone(int count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return gone_ >= count; });
}

std::vector<AccessLine> ServerForTest::wait_for_lines(size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] { return lines_.size() >= count; });
  return lines_;
}

std::string get(std::string_view path, std::string_view more) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", path, more);
}

std::string post(std::string_view path, std::string_view body, std::string_view more) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{}\r\n{}", path,
                     body.size(), more, body);
}

}  // namespace hearth::http
