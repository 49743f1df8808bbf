#include "hearth/serve/client/local_api.h"

#include <condition_variable>
#include <fstream>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/serve/http/exchange.h"
#include "hearth/serve/http/responder.h"

namespace hearth::serve {
namespace {

constexpr size_t kStreamBytesMax = 256 << 10;  // a handler waits while so much is unread
constexpr size_t kErrorBytesMax = 64 << 10;
constexpr size_t kPieceBytes = 1 << 20;  // of a file on its way to the store

// What a connection would be: tells the reading thread that the exchange has something new.
struct Wake {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_set = false;

  void set() {
    const std::lock_guard lock(mutex);
    is_set = true;
    changed.notify_one();
  }
  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return is_set; });
    is_set = false;
  }
};

http::Request request_for(std::string_view method, const std::string& target, const Json& body) {
  http::Request request;
  request.method = std::string(method);
  std::optional<http::Target> parsed = http::parse_target(target);
  if (!parsed) throw Error(Errc::invalid_argument, "{}: cannot be asked for", target);
  request.target = *std::move(parsed);
  if (!body.is_null()) {
    request.headers.add("content-type", "application/json");
    request.body = body.dump();
  }
  request.peer = "this process";
  return request;
}

// As the server does it: what a handler throws is its answer.
void run_handler(const http::Router::Route& route,
                 const std::shared_ptr<http::Exchange>& exchange) {
  http::Responder responder(exchange);
  const auto fail = [&](int status, const char* text) {
    if (responder && !responder.is_started())
      responder.send(http::Response::json(status, Json{{"error", text}}.dump()));
  };
  try {
    route.handler(exchange->request(), responder);
  } catch (const Error& error) {
    fail(http::status_of(error.code()), error.what());
  } catch (const std::exception& error) {
    fail(500, error.what());
  }
}

}  // namespace

void LocalApi::ask(std::string_view method, const std::string& target, const Json& body,
                   OnBytes on_bytes, std::stop_token stop) {
  http::Request request = request_for(method, target, body);
  http::Router::Match match = router_.find(method, request.target.segments);
  if (!match.route) throw Error(Errc::not_found, "{} {}: no such path", method, target);
  request.parameters = std::move(match.parameters);

  const auto wake = std::make_shared<Wake>();
  const auto exchange = std::make_shared<http::Exchange>(std::move(request), kStreamBytesMax,
                                                         [wake] { wake->set(); });
  // Behind what waits for it: whatever ends this function, the handler must not wait for a reader.
  std::jthread handler;
  const std::shared_ptr<void> close(nullptr, [&](void*) { exchange->close(); });
  const std::stop_callback leave(stop, [&] {
    exchange->cancel();
    wake->set();
  });
  // On a thread of its own, as a server would: a handler waits where its stream is not read.
  handler = std::jthread([&exchange, route = match.route] { run_handler(*route, exchange); });

  int status = 0;
  std::string error_body;
  for (bool ended = false; !ended;) {
    wake->wait();
    if (stop.stop_requested()) throw Error(Errc::unavailable, "stopped");
    const http::Exchange::Output output = exchange->take();
    const auto read = [&](std::string_view bytes) {
      if (status / 100 == 2)
        on_bytes(bytes);
      else if (error_body.size() < kErrorBytesMax)
        error_body += bytes;
    };
    if (output.head) {
      status = output.head->status;
      if (!output.streamed) read(output.head->body);
    }
    read(output.bytes);
    if (output.cut) throw Error(Errc::io_failure, "the answer ended before it was whole");
    ended = output.ended;
  }
  if (status / 100 != 2) throw error_of(status, error_body);
}

Json LocalApi::call(std::string_view method, const std::string& target, const Json& body,
                    std::stop_token stop) {
  std::string answer;
  const auto collect = [&](std::string_view bytes) { answer += bytes; };
  ask(method, target, body, collect, std::move(stop));
  return answer.empty() ? Json() : Json::parse(answer);
}

void LocalApi::stream(std::string_view method, const std::string& target, const Json& body,
                      OnLine on_line, std::stop_token stop) {
  JsonLines lines;
  const auto feed = [&](std::string_view bytes) { lines.feed(bytes, on_line); };
  ask(method, target, body, feed, std::move(stop));
  lines.finish(on_line);
}

void LocalApi::upload(const std::string& target, const fs::path& file,
                      FunctionRef<void(uint64_t sent_bytes)> on_progress, std::stop_token stop) {
  http::Request request = request_for("POST", target, nullptr);
  http::Router::Match match = router_.find("POST", request.target.segments);
  if (!match.route || !match.route->open_sink)
    throw Error(Errc::not_found, "POST {}: takes no file", target);
  request.parameters = std::move(match.parameters);

  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error(Errc::not_found, "{}: cannot be read", file.string());
  const std::unique_ptr<http::BodySink> sink = match.route->open_sink(request);
  std::string piece(kPieceBytes, '\0');
  for (uint64_t sent_bytes = 0; in.read(piece.data(), piece.size()), in.gcount() > 0;) {
    if (stop.stop_requested()) throw Error(Errc::unavailable, "stopped");
    sink->write({piece.data(), static_cast<size_t>(in.gcount())});
    on_progress(sent_bytes += static_cast<uint64_t>(in.gcount()));
  }
  if (in.bad()) throw Error(Errc::io_failure, "{}: cannot be read to its end", file.string());
  const http::Response answer = sink->finish();
  if (answer.status / 100 != 2) throw error_of(answer.status, answer.body);
}

}  // namespace hearth::serve
