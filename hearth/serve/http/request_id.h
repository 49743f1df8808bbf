// The name of one request, in the answer's x-request-id and in the access line.
#pragma once
#include <string>
#include <string_view>

namespace hearth::http {

/// True for 1 to 128 letters, digits, '.', '_', ':' or '-': what is safe in headers, logs and
/// files.
bool is_sane_request_id(std::string_view id);
/// "req_" and 128 random bits in hexadecimal. Thread-safe.
std::string make_request_id();

}  // namespace hearth::http
