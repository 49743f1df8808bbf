// Addresses of a registry: made from a model's name, or sent by a server that may be hostile.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::store {

/// An http or https address. Only the functions below make one, so it holds no user or password, no
/// control characters and no fragment.
struct WebAddress {
  std::string scheme;  // "http" or "https"
  std::string host;    // lower case; an IPv6 address in brackets
  uint16_t port = 0;
  std::string target;  // path and query, beginning with '/'

  std::string text() const;
  bool operator==(const WebAddress&) const = default;
};

/// Parses an absolute address. Errors: invalid_argument naming the text (another scheme, a user, no
/// host, above 8 KiB).
WebAddress parse_web_address(std::string_view text);
/// What `reference` means in an answer from `base` (RFC 3986, section 5). Errors: as above.
WebAddress resolve(const WebAddress& base, std::string_view reference);
/// `address` with one more parameter in its query; `value` is percent-encoded.
WebAddress with_parameter(WebAddress address, std::string_view name, std::string_view value);

/// True where scheme, host and port agree: what one of them is trusted with, both are.
bool is_same_origin(const WebAddress& a, const WebAddress& b);
/// "localhost", 127.0.0.0/8 and [::1]: bytes to it do not leave the machine.
bool is_loopback_host(std::string_view host);

}  // namespace hearth::store
