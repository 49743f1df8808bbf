// The HTTP/1.1 server that every API of `hearth serve` stands on.
//
//   Router router;
//   router.answer("GET", "/", [](const Request&) { return Response::text(200, "running"); });
//   Server server(std::move(router), {.listen = {{"127.0.0.1", 11434}}});
//   server.start();
//
// One thread moves bytes, a pool of threads runs the handlers.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/serve/http/access_line.h"
#include "hearth/serve/http/admission.h"
#include "hearth/serve/http/limits.h"
#include "hearth/serve/http/router.h"

namespace hearth::http {

struct Address {
  std::string ip;     // "127.0.0.1", "::1", "0.0.0.0"; no names
  uint16_t port = 0;  // 0: one that is free
};

/// PEM files.
struct TlsFiles {
  std::filesystem::path certificate_chain, private_key;
};

struct ServerOptions {
  std::vector<Address> listen;
  Limits limits = {};
  /// body_bytes_max comes from `limits`; own_name from the system when empty.
  Policy policy = {};
  int handler_threads = 16;  // answers that wait at once; threads of their own may take responders
  std::optional<TlsFiles> tls = {};
  AccessLog access_log = {};
  /// Told what a handler threw that was no hearth::Error, on the handler's thread.
  std::function<void(const Request&, std::string_view what)> fault = {};
};

class Server {
 public:
  Server(Router router, ServerOptions options);
  /// Stops without waiting for answers.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Listens, and returns when connections are taken. Errors: invalid_argument (no IP address, none
  /// at all, a certificate or key that cannot be used), conflict (the address is in use),
  /// io_failure.
  void start();
  /// Where it listens, with real ports; after start().
  std::vector<Address> addresses() const;
  /// Takes no more connections, lets the answers under way end for at most `drain`, then trips the
  /// tokens of the rest and, unless `drain` is zero, gives them a second to say so to their
  /// clients; then closes everything and waits for the handlers to return. Not from a handler. Does
  /// nothing the second time.
  void stop(std::chrono::milliseconds drain);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::http
