#include "hearth/serve/client/daemon_address.h"

#include <charconv>
#include <cstdlib>
#include <optional>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

// Takes "scheme://" off the front of `text`.
void take_scheme(std::string_view& text, DaemonAddress& address) {
  const size_t end = text.find("://");
  if (end == std::string_view::npos) return;
  address.scheme = std::string(text.substr(0, end));
  if (address.scheme != "http" && address.scheme != "https")
    throw Error(Errc::invalid_argument, "'{}' is no scheme of an address: http or https",
                address.scheme);
  address.port = address.scheme == "https" ? 443 : 80;
  text.remove_prefix(end + 3);
}

uint16_t parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size())
    throw Error(Errc::invalid_argument, "'{}' is no port: 0 to 65535", text);
  return port;
}

// Splits "host:port", "[::1]:port", "::1", ":port".
void take_host_and_port(std::string_view text, DaemonAddress& address) {
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos)
      throw Error(Errc::invalid_argument, "'{}' lacks the ] of an IPv6 address", text);
    address.host = std::string(text.substr(1, end - 1));
    text.remove_prefix(end + 1);
    if (text.empty()) return;
    if (!text.starts_with(':'))
      throw Error(Errc::invalid_argument, "'{}' stands where a port may", text);
    address.port = parse_port(text.substr(1));
    return;
  }
  const size_t colon = text.find(':');
  const bool is_bare_ipv6 =
      colon != std::string_view::npos && text.find(':', colon + 1) != text.npos;
  if (colon != std::string_view::npos && !is_bare_ipv6) {
    address.port = parse_port(text.substr(colon + 1));
    text = text.substr(0, colon);
  }
  if (!text.empty()) address.host = std::string(text);
}

}  // namespace

std::string DaemonAddress::url() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}{}", scheme, is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port,
                     path);
}

DaemonAddress parse_daemon_address(std::string_view text) {
  DaemonAddress address;
  take_scheme(text, address);
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    address.path = std::string(text.substr(slash));
    while (address.path.ends_with('/')) address.path.pop_back();
    text = text.substr(0, slash);
  }
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= ' ')
      throw Error(Errc::invalid_argument, "'{}' holds a blank", text);
  take_host_and_port(text, address);
  return address;
}

DaemonAddress daemon_address_from_environment() {
  for (const char* name : {"HEARTH_HOST", "OLLAMA_HOST"}) {
    const char* value = std::getenv(name);
    if (!value || !*value) continue;
    try {
      return parse_daemon_address(value);
    } catch (const Error& error) {
      throw error.with_context(name);
    }
  }
  return {};
}

bool is_loopback(const DaemonAddress& address) {
  const std::string& host = address.host;
  return host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") ||
         host == "::1";
}

DaemonAddress client_address(DaemonAddress address) {
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  return address;
}

}  // namespace hearth::serve
