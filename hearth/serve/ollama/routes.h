// Ollama's API: its routes, and what they need of the daemon.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "hearth/serve/http/router.h"
#include "hearth/serve/pool/model_service.h"
#include "hearth/store/model_store.h"

namespace hearth::serve::ollama {

/// The version of Ollama whose API this is. Clients take it for semver and ask it what they may
/// use, so it is not Hearth's own.
inline constexpr std::string_view kApiVersion = "0.33.0";

/// What Ollama's API says where neither the request nor the model says anything.
store::ModelParameters default_parameters();

/// A line of the report on a pull or push: "pulling manifest"; with a digest the state of one
/// layer.
struct TransferProgress {
  std::string status;
  std::optional<store::Digest> digest;
  uint64_t done_bytes = 0, total_bytes = 0;
};
using TransferProgressFn = std::function<void(const TransferProgress&)>;

/// Pulls or pushes the model `name`, as the client wrote it, on the calling thread, and reports
/// every line but the last, "success". Ends with Errc::unavailable soon after `stop` trips. What
/// `progress` throws ends it too. Errors: not_found, and any other.
using Transfer = std::function<void(const std::string& name, bool insecure,
                                    const TransferProgressFn& progress, std::stop_token stop)>;

/// Copied into every route; the two references outlive the server.
struct Deps {
  ModelService& models;
  const store::ModelStore& store;
  Transfer pull, push;  // empty: answered with an error
  std::string version = std::string(kApiVersion);
  store::ModelParameters defaults = default_parameters();
  /// Told what is odd and does not stop a request, without any text of prompts; may be empty.
  std::function<void(std::string_view)> warn = {};
};

void add_routes(http::Router& router, const Deps& deps);

}  // namespace hearth::serve::ollama
