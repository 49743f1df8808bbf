#include "hearth/serve/openai/server_with_fakes_for_test.h"

#include <gtest/gtest.h>

#include <regex>

#include "hearth/serve/openai/routes.h"

namespace hearth::serve::openai {
namespace {

http::Router router_of(const Deps& deps) {
  http::Router router;
  add_routes(router, deps);
  return router;
}

}  // namespace

ServerWithFakes::ServerWithFakes(std::string_view name)
    : folder(name),
      store(folder.open()),
      server(router_of({.models = models, .store = store}), {.listen = {{"127.0.0.1", 0}}}) {
  server.start();
}

// HTTP/1.0, so that a stream is not cut into chunks and ends with the connection.
std::string ServerWithFakes::ask(std::string_view request) const {
  http::RawClient client(port());
  client.send(request);
  return client.read_to_end();
}

std::string ServerWithFakes::get(std::string_view path) const {
  return ask(fmt::format("GET {} HTTP/1.0\r\n\r\n", path));
}

std::string ServerWithFakes::post(std::string_view path, std::string_view body) const {
  return ask(
      fmt::format("POST {} HTTP/1.0\r\nContent-Type: application/json\r\n"
                  "Content-Length: {}\r\n\r\n{}",
                  path, body.size(), body));
}

Json ServerWithFakes::get_json(std::string_view path, int status) const {
  const std::string answer = get(path);
  EXPECT_EQ(http::status_in(answer), status) << answer;
  return Json::parse(http::body_in(answer));
}

Json ServerWithFakes::post_json(std::string_view path, std::string_view body, int status) const {
  const std::string answer = post(path, body);
  EXPECT_EQ(http::status_in(answer), status) << answer;
  EXPECT_EQ(http::header_in(answer, "content-type"), "application/json; charset=utf-8");
  return Json::parse(http::body_in(answer));
}

std::vector<SentEvent> ServerWithFakes::post_stream(std::string_view path,
                                                    std::string_view body) const {
  const std::string answer = post(path, body);
  EXPECT_EQ(http::status_in(answer), 200) << answer;
  EXPECT_EQ(http::header_in(answer, "content-type"), "text/event-stream");
  static const std::regex form("(?:event: ([^\n]*)\n)?data: ([^\n]*)\n\n");
  const std::string text = http::body_in(answer);
  std::vector<SentEvent> events;
  size_t end = 0;
  for (std::sregex_iterator match(text.begin(), text.end(), form), last; match != last; ++match) {
    EXPECT_EQ(static_cast<size_t>(match->position()), end) << text;
    end = match->position() + match->length();
    events.push_back({.name = (*match)[1], .data = (*match)[2]});
  }
  EXPECT_EQ(end, text.size()) << text;
  return events;
}

std::string without_ids(const std::string& text) {
  static const std::regex id("(chatcmpl-|cmpl-|resp_|msg_|rs_|fc_)[0-9A-Za-z]{24}");
  static const std::regex time("(\"(?:created|created_at|completed_at)\"):[0-9]{10}");
  return std::regex_replace(std::regex_replace(text, id, "$1ID"), time, "$1:0");
}

std::vector<std::string> data_of(const std::vector<SentEvent>& events) {
  std::vector<std::string> data;
  for (const SentEvent& event : events) data.push_back(without_ids(event.data));
  return data;
}

}  // namespace hearth::serve::openai
