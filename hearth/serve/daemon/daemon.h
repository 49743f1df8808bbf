// `hearth serve`: the stack behind a server, with keys, metrics and a clean end.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "hearth/serve/daemon/event_log.h"
#include "hearth/serve/daemon/serve_options.h"
#include "hearth/serve/http/server.h"

namespace hearth::serve {

class Daemon {
 public:
  /// Reads keys and usage, opens the store. `program` is `hearth` itself, which engines are started
  /// from. `log` must outlive the daemon. Errors: invalid_argument (an address that everybody
  /// reaches without a key, a host that is no address, a certificate without its key),
  /// corrupt_data (the file of keys), io_failure.
  Daemon(const ServeOptions& options, const fs::path& program, std::string version, EventLog& log);
  ~Daemon();

  /// Listens, and loads the pinned models in the background; what fails of that is logged. Errors:
  /// as http::Server::start().
  void start();
  std::vector<http::Address> addresses() const;
  /// Reads the keys anew. A file that cannot be read is logged, and the former keys stay.
  void reload();
  /// Takes no more requests, lets answers under way end for options.drain, then ends the rest with
  /// an error. Nothing is lost: what was counted is written.
  void stop();

  /// Whether requests need a key.
  bool has_keys() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::serve
