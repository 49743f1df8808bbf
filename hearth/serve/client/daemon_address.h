// Where the daemon listens, and where clients look for it: HEARTH_HOST, or OLLAMA_HOST, in Ollama's
// forms ("host", "host:port", ":port", "http://host:port").
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::serve {

inline constexpr uint16_t kDefaultPort = 11434;

struct DaemonAddress {
  std::string scheme = "http";  // or "https"
  std::string host = "127.0.0.1";
  uint16_t port = kDefaultPort;
  std::string path;  // in front of every target; "" or "/prefix"

  /// "http://127.0.0.1:11434"; the brackets of an IPv6 address are put where they belong.
  std::string url() const;
};

/// Parses one of the forms above; empty gives the default. "http://" without a port means 80,
/// "https://" 443, as for Ollama. Errors: invalid_argument naming the text.
DaemonAddress parse_daemon_address(std::string_view text);

/// From HEARTH_HOST, else OLLAMA_HOST, else the default. Errors: as above, naming the variable.
DaemonAddress daemon_address_from_environment();

/// Whether the address is this machine's own, by which no other can be meant: localhost, 127.*,
/// ::1.
bool is_loopback(const DaemonAddress& address);

/// The address to connect to: 0.0.0.0 and :: are every address of this machine, so its loopback.
DaemonAddress client_address(DaemonAddress address);

}  // namespace hearth::serve
