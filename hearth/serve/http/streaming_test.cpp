#include "hearth/serve/http/streaming.h"

#include <gtest/gtest.h>

#include "hearth/serve/http/exchange.h"

namespace hearth::http {
namespace {

std::shared_ptr<Exchange> make_exchange() {
  return std::make_shared<Exchange>(Request{}, 1 << 20, [] {});
}

TEST(HttpStreaming, NdjsonIsALinePerObject) {
  const auto exchange = make_exchange();
  NdjsonStream stream{Responder(exchange)};
  stream.line("{\"a\":1}");
  stream.line("{\"done\":true}");
  stream.finish();
  const auto output = exchange->take();
  EXPECT_EQ(output.head->status, 200);
  EXPECT_EQ(output.head->headers.get("content-type"), "application/x-ndjson");
  EXPECT_EQ(output.bytes, "{\"a\":1}\n{\"done\":true}\n");
  EXPECT_TRUE(output.ended && output.streamed && !output.cut);
}

TEST(HttpStreaming, AnErrorIsAnAnswerBeforeTheFirstByteAndALineAfterIt) {
  const auto early = make_exchange(), late = make_exchange();
  NdjsonStream(Responder(early)).fail(404, "{\"error\":\"x\"}");
  const auto answer = early->take();
  EXPECT_EQ(answer.head->status, 404);
  EXPECT_EQ(answer.head->body, "{\"error\":\"x\"}");
  NdjsonStream stream{Responder(late)};
  stream.line("{}");
  stream.fail(404, "{\"error\":\"x\"}");
  const auto output = late->take();
  EXPECT_EQ(output.head->status, 200);
  EXPECT_EQ(output.bytes, "{}\n{\"error\":\"x\"}\n");
  EXPECT_TRUE(output.ended && !output.cut);
}

TEST(HttpStreaming, EventsCarryNamesAndEveryLineOfTheirData) {
  EXPECT_EQ(sse_event("{}"), "data: {}\n\n");
  EXPECT_EQ(sse_event("{}", "ping"), "event: ping\ndata: {}\n\n");
  EXPECT_EQ(sse_event("a\nb\r\nc\rd\n"), "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
  EXPECT_EQ(sse_event(""), "data: \n\n");
}

TEST(HttpStreaming, EventsStreamAndFailInTheStream) {
  const auto exchange = make_exchange();
  SseStream stream{Responder(exchange)};
  stream.event("1");
  stream.ping();
  stream.fail(500, "{\"error\":{}}", "error");
  const auto output = exchange->take();
  EXPECT_EQ(output.head->headers.get("content-type"), "text/event-stream");
  EXPECT_EQ(output.bytes, "data: 1\n\n: ping\n\nevent: error\ndata: {\"error\":{}}\n\n");
  EXPECT_TRUE(output.ended && !output.cut);
  const auto early = make_exchange();
  SseStream(Responder(early)).fail(503, "{}");
  EXPECT_EQ(early->take().head->status, 503);
}

}  // namespace
}  // namespace hearth::http
