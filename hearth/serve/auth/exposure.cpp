#include "hearth/serve/auth/exposure.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

constexpr uint8_t kLoopbackNetwork = 127;  // RFC 1122, 3.2.1.3

bool is_address(const std::string& ip) {
  in6_addr parsed;
  return ::inet_pton(AF_INET, ip.c_str(), &parsed) == 1 ||
         ::inet_pton(AF_INET6, ip.c_str(), &parsed) == 1;
}

}  // namespace

bool is_loopback(std::string_view ip) {
  const std::string text(ip);
  in_addr v4 = {};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1)
    return ntohl(v4.s_addr) >> 24 == kLoopbackNetwork;
  in6_addr v6 = {};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return false;
  return IN6_IS_ADDR_LOOPBACK(&v6) ||
         (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == kLoopbackNetwork);
}

void check_exposure(std::span<const http::Address> addresses, bool has_keys, bool insecure) {
  if (has_keys || insecure) return;
  for (const http::Address& address : addresses)
    if (is_address(address.ip) && !is_loopback(address.ip))
      throw Error(
          Errc::invalid_argument,
          "other machines could reach {} and there is no API key: add one with \"hearth key "
          "add NAME\", or let everybody in with --insecure",
          address.ip);
}

}  // namespace hearth::serve
