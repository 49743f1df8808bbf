// The handlers of every API and what they stand on: the store, the models, pull and push. Without
// a socket: the daemon puts a server in front of it, the command line calls it in its own process.
#pragma once
#include <memory>
#include <optional>

#include "hearth/serve/daemon/event_log.h"
#include "hearth/serve/daemon/metered_models.h"
#include "hearth/serve/daemon/serve_options.h"
#include "hearth/serve/http/router.h"
#include "hearth/serve/pool/local_models.h"
#include "hearth/store/model_store.h"

namespace hearth::serve {

/// Where engines live.
struct EnginePlace {
  fs::path program;        // `hearth`, which is started anew for each engine; empty: this process
  fs::path socket_folder;  // private, short
};

class ServeStack {
 public:
  /// Opens the store, which is made if missing. `log` and what `meters` names must outlive this.
  /// Errors: io_failure (the store), invalid_argument (a pinned name).
  ServeStack(const ServeOptions& options, const EnginePlace& place, const Meters& meters,
             EventLog& log);
  ~ServeStack();

  /// Takes away what kills and failed transfers left in the store: files that no model has named
  /// for a day. What keeps it from doing so is an event, no error.
  void prune(EventLog& log) const;

  http::Router& router() { return router_; }
  LocalModels& models() { return *models_; }
  const store::ModelStore& store() const { return store_; }

 private:
  store::ModelStore store_;
  std::unique_ptr<LocalModels> models_;
  std::unique_ptr<MeteredModels> metered_;
  http::Router router_;
};

/// The answer to a request that no handler saw (no such path, no key, too large), in the form of
/// the API that `path` belongs to.
http::Response api_error(std::string_view path, int status, std::string_view text);

}  // namespace hearth::serve
