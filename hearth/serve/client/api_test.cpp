// One body for both ways to ask: over HTTP, and in this process.
#include "hearth/serve/client/api.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <thread>
#include <vector>

#include "hearth/serve/client/local_api.h"
#include "hearth/serve/client/remote_api.h"
#include "hearth/serve/http/server.h"
#include "hearth/serve/http/streaming.h"

namespace hearth::serve {
namespace {

// Takes a file whose name is its size.
class CountingSink : public http::BodySink {
 public:
  explicit CountingSink(std::string name) : name_(std::move(name)) {}
  void write(std::string_view bytes) override { size_ += bytes.size(); }
  http::Response finish() override {
    if (std::to_string(size_) == name_) return {.status = 201};
    return http::Response::json(400, Json{{"error", std::to_string(size_) + " bytes"}}.dump());
  }

 private:
  std::string name_;
  size_t size_ = 0;
};

http::Router make_router() {
  http::Router router;
  router.answer("GET", "/api/version", [](const http::Request&) {
    return http::Response::json(200, R"({"version":"1.2.3"})");
  });
  router.answer("POST", "/echo", [](const http::Request& request) {
    return http::Response::json(200, request.body);
  });
  router.answer("DELETE", "/nothing", [](const http::Request&) { return http::Response{}; });
  router.answer("GET", "/missing", [](const http::Request&) {
    return http::Response::json(404, R"({"error":"model 'x' not found"})");
  });
  router.answer("GET", "/throws", [](const http::Request&) -> http::Response {
    throw Error(Errc::unsupported, "not with this model");
  });
  router.stream("GET", "/count/{n}", [](const http::Request& request, http::Responder& responder) {
    http::NdjsonStream stream(std::move(responder));
    const int n = std::stoi(std::string(request.parameter("n")));
    for (int i = 0; i < n; ++i)
      if (!stream.line(Json{{"i", i}}.dump())) return;
    stream.finish();
  });
  router.stream("GET", "/breaks", [](const http::Request&, http::Responder& responder) {
    http::NdjsonStream stream(std::move(responder));
    stream.line(R"({"i":0})");
    stream.fail(500, R"({"error":"the engine has gone"})");
  });
  router.upload("POST", "/file/{name}", [](const http::Request& request) {
    return std::make_unique<CountingSink>(std::string(request.parameter("name")));
  });
  router.stream("GET", "/forever", [](const http::Request&, http::Responder& responder) {
    http::NdjsonStream stream(std::move(responder));
    while (stream.line(R"({"i":0})")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  return router;
}

// Calls `body` with each implementation; `body` gets its name for messages.
void for_each_api(const std::function<void(Api&)>& body) {
  {
    SCOPED_TRACE("in this process");
    const http::Router router = make_router();
    LocalApi api(router);
    body(api);
  }
  SCOPED_TRACE("over HTTP");
  http::Server server(make_router(),
                      {.listen = {{"127.0.0.1", 0}},
                       .policy = {.error_form = [](auto, int status, std::string_view text) {
                         return http::Response::json(status, Json{{"error", text}}.dump());
                       }}});
  server.start();
  DaemonAddress address;
  address.port = server.addresses().at(0).port;
  RemoteApi api(address);
  body(api);
  server.stop(std::chrono::seconds(5));
}

std::string error_text(const std::function<void()>& act, Errc code) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(name(error.code()), name(code)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(Api, ABodyGoesThereAndBack) {
  for_each_api([](Api& api) {
    const Json body = {{"z", 1}, {"a", "ä\n\"x\""}};
    EXPECT_EQ(api.call("POST", "/echo", body, {}).dump(), body.dump());
    EXPECT_TRUE(api.call("DELETE", "/nothing", nullptr, {}).is_null());
  });
}

TEST(Api, ErrorsKeepTheirCodeAndText) {
  for_each_api([](Api& api) {
    EXPECT_EQ(error_text([&] { api.call("GET", "/missing", nullptr, {}); }, Errc::not_found),
              "model 'x' not found");
    EXPECT_EQ(error_text([&] { api.call("GET", "/throws", nullptr, {}); }, Errc::unsupported),
              "not with this model");
    error_text([&] { api.call("GET", "/nowhere", nullptr, {}); }, Errc::not_found);
  });
}

TEST(Api, EveryLineOfALongStreamArrivesInOrder) {
  for_each_api([](Api& api) {
    int count = 0;
    const auto check = [&](const Json& line) { EXPECT_EQ(line.at("i"), count++); };
    // More than a connection or an exchange holds at once.
    api.stream("GET", "/count/50000", nullptr, check, {});
    EXPECT_EQ(count, 50000);
  });
}

TEST(Api, AnErrorInTheStreamEndsIt) {
  for_each_api([](Api& api) {
    int count = 0;
    const auto note = [&](const Json&) { ++count; };
    EXPECT_EQ(
        error_text([&] { api.stream("GET", "/breaks", nullptr, note, {}); }, Errc::io_failure),
        "the engine has gone");
    EXPECT_EQ(count, 1);
  });
}

TEST(Api, AStopEndsAStreamThatNeverEnds) {
  for_each_api([](Api& api) {
    std::stop_source stop;
    const auto leave = [&](const Json&) { stop.request_stop(); };
    error_text([&] { api.stream("GET", "/forever", nullptr, leave, stop.get_token()); },
               Errc::unavailable);
    EXPECT_EQ(api.call("GET", "/api/version", nullptr, {}).at("version"), "1.2.3");
  });
}

TEST(Api, WhatTheReaderThrowsComesThrough) {
  for_each_api([](Api& api) {
    const auto refuse = [](const Json&) { throw std::out_of_range("enough"); };
    EXPECT_THROW(api.stream("GET", "/forever", nullptr, refuse, {}), std::out_of_range);
  });
}

TEST(Api, AFileGoesUpInPieces) {
  constexpr size_t kSize = (5 << 20) + 3;
  const fs::path file = fs::temp_directory_path() / fmt::format("hearth_api_test_{}", getpid());
  std::ofstream(file) << std::string(kSize, 'x');
  for_each_api([&](Api& api) {
    uint64_t last = 0;
    const auto note = [&](uint64_t sent_bytes) { last = std::max(last, sent_bytes); };
    api.upload(fmt::format("/file/{}", kSize), file, note, {});
    EXPECT_EQ(last, kSize);
    EXPECT_EQ(error_text([&] { api.upload("/file/1", file, note, {}); }, Errc::invalid_argument),
              fmt::format("{} bytes", kSize));
    error_text([&] { api.upload("/file/1", "/nowhere/at/all", note, {}); }, Errc::not_found);
  });
  fs::remove(file);
}

TEST(RemoteApi, SaysWhetherADaemonIsThere) {
  http::Server server(make_router(), {.listen = {{"127.0.0.1", 0}}});
  server.start();
  DaemonAddress address;
  address.port = server.addresses().at(0).port;
  EXPECT_TRUE(RemoteApi(address).is_there());
  server.stop(std::chrono::seconds(1));
  EXPECT_FALSE(RemoteApi(address).is_there());
}

TEST(JsonLines, CutsAnywhereGiveTheSameLines) {
  const std::string_view text = "{\"a\":1}\r\n\n{\"c\":3}";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    JsonLines lines;
    std::vector<std::string> seen;
    const auto note = [&](const Json& line) { seen.push_back(line.dump()); };
    lines.feed(text.substr(0, cut), note);
    lines.feed(text.substr(cut), note);
    lines.finish(note);
    EXPECT_EQ(seen, (std::vector<std::string>{"{\"a\":1}", "{\"c\":3}"})) << cut;
  }
  JsonLines lines;
  const auto ignore = [](const Json&) {};
  EXPECT_THROW(lines.feed("{\"b\":[2,\n", ignore), Error);
}

}  // namespace
}  // namespace hearth::serve
