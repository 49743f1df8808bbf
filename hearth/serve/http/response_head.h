// An answer's head and chunks as bytes (RFC 9112).
#pragma once
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "hearth/serve/http/response.h"

namespace hearth::http {

struct Framing {
  std::optional<uint64_t> length_bytes;  // of the body; absent: unknown when the head goes out
  bool chunked = false;                  // how an unknown length ends; else by closing
  bool keep_alive = true;
};

/// Status line, `response`'s headers but those that frame it, then date, x-request-id, connection
/// and content-length or transfer-encoding, and the empty line.
std::string head_bytes(const Response& response, const Framing& framing,
                       std::string_view request_id, std::time_t now);
/// `bytes`, not empty, as one chunk.
std::string chunk_bytes(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
std::string http_date(std::time_t time);

}  // namespace hearth::http
