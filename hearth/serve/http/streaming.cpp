#include "hearth/serve/http/streaming.h"

#include <algorithm>

#include "hearth/base/error.h"

namespace hearth::http {
namespace {

void start_once(Responder& responder, const char* type) {
  if (responder.is_started()) return;
  // Proxies that collect an answer before they pass it on would undo the streaming.
  responder.start({.status = 200,
                   .headers = {{"content-type", type},
                               {"cache-control", "no-cache"},
                               {"x-accel-buffering", "no"}},
                   .body = {}});
}

constexpr const char* kNdjson = "application/x-ndjson";
constexpr const char* kEvents = "text/event-stream";

}  // namespace

bool NdjsonStream::line(std::string_view json) {
  HEARTH_CHECK(json.find('\n') == std::string_view::npos);
  start_once(responder_, kNdjson);
  return responder_.write(std::string(json) + '\n');
}

void NdjsonStream::finish() {
  start_once(responder_, kNdjson);
  responder_.finish();
}

void NdjsonStream::fail(int status, std::string_view error) {
  fail(Response::json(status, std::string(error)));
}

void NdjsonStream::fail(Response error) {
  if (!responder_.is_started()) return responder_.send(std::move(error));
  line(error.body);
  responder_.finish();
}

std::string sse_event(std::string_view data, std::string_view name) {
  std::string out;
  if (!name.empty()) out.append("event: ").append(name).append("\n");
  for (bool more = true; more;) {
    // A carriage return ends a line too, alone or before a line feed.
    const size_t end = std::min(data.find_first_of("\r\n"), data.size());
    out.append("data: ").append(data.substr(0, end)).append("\n");
    more = end < data.size();
    const size_t skip = data.substr(end).starts_with("\r\n") ? 2 : 1;
    data.remove_prefix(std::min(end + skip, data.size()));
  }
  return out + "\n";
}

bool SseStream::write(std::string_view bytes) {
  start_once(responder_, kEvents);
  return responder_.write(bytes);
}

bool SseStream::event(std::string_view data, std::string_view name) {
  return write(sse_event(data, name));
}

bool SseStream::ping() { return write(": ping\n\n"); }

void SseStream::finish() {
  start_once(responder_, kEvents);
  responder_.finish();
}

void SseStream::fail(int status, std::string_view error, std::string_view name) {
  if (!responder_.is_started()) return responder_.send(Response::json(status, std::string(error)));
  event(error, name);
  responder_.finish();
}

}  // namespace hearth::http
