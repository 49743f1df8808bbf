// Everything that `hearth serve` can be told, as one table: from it come the options of the command
// line, the variables of the environment, and the errors.
#pragma once
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/files.h"
#include "hearth/llm/kv_cache.h"
#include "hearth/serve/client/daemon_address.h"

namespace hearth::serve {

struct ServeOptions {
  std::vector<DaemonAddress> listen;  // none: HEARTH_HOST, else loopback
  bool insecure = false;              // other addresses than loopback without keys
  fs::path state;                     // keys, usage, sockets
  fs::path models;                    // the store
  std::optional<fs::path> built_in;   // a GGUF file that an empty store begins with
  std::optional<fs::path> tls_certificate, tls_key;
  std::vector<std::string> origins;  // of pages that may call, besides this machine's
  std::vector<std::string> hosts;    // names that this server answers to, besides its own
  std::chrono::nanoseconds keep_alive = std::chrono::minutes(5);  // negative: for ever
  std::chrono::seconds load_timeout{300};
  int context = 0;      // positions; 0: the model's, at most 8192
  int parallel = 4;     // answers of a model at once
  int models_max = 0;   // loaded at once; 0: as many as fit
  int queue_max = 512;  // requests that wait
  llm::KvType cache_type = llm::KvType::f16;
  std::vector<std::string> pinned;  // models that are never unloaded
  std::chrono::seconds drain{30};   // for answers under way when it is told to end
  bool no_prune = false;            // keep files of the store that no model names
};

/// One setting: `--name` on the command line, HEARTH_VARIABLE and OLLAMA_VARIABLE in the
/// environment.
struct ServeSetting {
  std::string_view name;      // "keep-alive"
  std::string_view value;     // "TIME"; empty: a switch
  std::string_view help;      // one sentence without a period
  std::string_view variable;  // "KEEP_ALIVE"; empty: none
  bool is_ollamas;            // OLLAMA_VARIABLE counts too
  /// Errors: invalid_argument naming the text and what it must be.
  void (*set)(ServeOptions&, std::string_view text);
};

std::span<const ServeSetting> serve_settings();

/// The environment's settings over the defaults; HEARTH_ wins over OLLAMA_. `home` is the folder of
/// Hearth's own files. Errors: invalid_argument naming the variable.
ServeOptions options_from_environment(const fs::path& home);

}  // namespace hearth::serve
