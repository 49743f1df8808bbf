#include "hearth/serve/http/response_head.h"

#include <algorithm>

#include "hearth/serve/http/headers.h"

namespace hearth::http {
namespace {

// The server's own; a handler that set one could contradict the bytes that follow.
constexpr std::string_view kOwnFields[] = {"connection", "content-length",    "date",
                                           "keep-alive", "transfer-encoding", "x-request-id"};

bool is_own_field(std::string_view name) {
  return std::any_of(std::begin(kOwnFields), std::end(kOwnFields),
                     [&](std::string_view own) { return equal_ignoring_case(name, own); });
}

}  // namespace

std::string head_bytes(const Response& response, const Framing& framing,
                       std::string_view request_id, std::time_t now) {
  std::string out =
      fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  for (const auto& [name, value] : response.headers)
    if (!is_own_field(name)) out += fmt::format("{}: {}\r\n", name, value);
  out += fmt::format("date: {}\r\nx-request-id: {}\r\nconnection: {}\r\n", http_date(now),
                     request_id, framing.keep_alive ? "keep-alive" : "close");
  if (may_have_body(response.status)) {
    if (framing.length_bytes) out += fmt::format("content-length: {}\r\n", *framing.length_bytes);
    if (!framing.length_bytes && framing.chunked) out += "transfer-encoding: chunked\r\n";
  }
  return out + "\r\n";
}

std::string chunk_bytes(std::string_view bytes) {
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

std::string http_date(std::time_t time) {
  // Not strftime: its names of days and months follow the locale.
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm t = {};
  gmtime_r(&time, &t);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[t.tm_wday], t.tm_mday,
                     kMonths[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

}  // namespace hearth::http
