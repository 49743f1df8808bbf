#include "hearth/serve/daemon/access_text.h"

#include <fmt/format.h>

#include "hearth/serve/daemon/event_log.h"

namespace hearth::serve {
namespace {

constexpr int kClientLeft = 499;  // http/access_line.h

std::string time_text(std::chrono::nanoseconds time) {
  const double seconds = std::chrono::duration<double>(time).count();
  return seconds < 10 ? fmt::format("{:.0f} ms", seconds * 1000) : fmt::format("{:.1f} s", seconds);
}

}  // namespace

std::string access_text(const http::AccessLine& line) {
  const bool is_request = !line.method.empty();
  std::string text = fmt::format(
      "{} {}", line.status, is_request ? line.method + " " + readable(line.path) : "no request");
  text += fmt::format("  {}  {} bytes  {}", time_text(line.duration), line.sent_bytes, line.peer);
  if (!line.caller.empty()) text += "  key " + readable(line.caller);
  if (line.status == kClientLeft)
    text += "  the client left";
  else if (!line.is_complete)
    text += "  broken off";
  return text + "  " + line.id;
}

}  // namespace hearth::serve
