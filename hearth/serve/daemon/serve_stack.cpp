#include "hearth/serve/daemon/serve_stack.h"

#include <algorithm>
#include <utility>

#include "hearth/serve/anthropic/error_json.h"
#include "hearth/serve/anthropic/routes.h"
#include "hearth/serve/api/json_text.h"
#include "hearth/serve/daemon/built_in_model.h"
#include "hearth/serve/daemon/engine_factory.h"
#include "hearth/serve/ollama/errors.h"
#include "hearth/serve/ollama/routes.h"
#include "hearth/serve/openai/error_json.h"
#include "hearth/serve/openai/routes.h"
#include "hearth/store/registry/pull_model.h"
#include "hearth/store/registry/push_model.h"

namespace hearth::serve {
namespace {

LocalModelsOptions pool_options(const ServeOptions& options) {
  LocalModelsOptions pool;
  pool.pool.keep_alive = options.keep_alive;
  pool.pool.limits.models_max = options.models_max;
  pool.pool.load_max = options.load_timeout;
  pool.pool.pinned = options.pinned;
  pool.queue.waiting_max = options.queue_max;
  pool.waiting_in_all_max = options.queue_max;
  pool.queue.waiting_per_caller_max = std::max(options.queue_max / 2, 1);
  pool.answers_max = options.parallel;
  pool.kv_type = options.cache_type;
  if (options.context > 0) pool.load_defaults["num_ctx"] = int64_t{options.context};
  return pool;
}

constexpr const char* kLoginsFileName = "registries.json";

// Long enough for an upload and the `create` that uses it, and for a download of Ollama's.
constexpr std::chrono::hours kUnnamedTime{24};

// Ollama's API reports the last line, "success", itself.
void report(const store::TransferProgress& step, const ollama::TransferProgressFn& progress) {
  if (step.status == "success") return;
  progress({.status = step.status,
            .digest = step.digest,
            .done_bytes = step.completed_bytes,
            .total_bytes = step.total_bytes});
}

template <class Transfer>
ollama::Transfer transfer(const store::ModelStore& store, const fs::path& state, Transfer run) {
  return [&store, logins_file = state / kLoginsFileName, run](
             const std::string& name, bool insecure, const ollama::TransferProgressFn& progress,
             std::stop_token stop) {
    const auto on_step = [&](const store::TransferProgress& step) { report(step, progress); };
    const store::TransferOptions options{.insecure = insecure,
                                         .logins_file = logins_file,
                                         .cancelled = std::move(stop),
                                         .limits = {}};
    run(store, store::parse_model_name(name), options, on_step);
  };
}

}  // namespace

ServeStack::ServeStack(const ServeOptions& options, const EnginePlace& place, const Meters& meters,
                       EventLog& log)
    : store_(store::ModelStore::open(options.models, store::StoreAccess::read_write)) {
  if (options.built_in && add_built_in_model(store_, *options.built_in))
    log.event("store.begins", {{"with", options.built_in->native()}});
  models_ = std::make_unique<LocalModels>(store_, make_engine_factory(options, place, log),
                                          pool_options(options));
  metered_ = std::make_unique<MeteredModels>(*models_, meters);
  ollama::add_routes(router_, {.models = *metered_,
                               .store = store_,
                               .pull = transfer(store_, options.state, store::pull_model),
                               .push = transfer(store_, options.state, store::push_model),
                               .warn = [&log](std::string_view text) {
                                 log.event("request.odd", {{"what", text}});
                               }});
  openai::add_routes(router_, {.models = *metered_, .store = store_});
  anthropic::add_routes(router_, *metered_);
}

ServeStack::~ServeStack() = default;

void ServeStack::prune(EventLog& log) const {
  try {
    const store::RemoveReport report = store_.prune({.young = kUnnamedTime});
    if (report.files_removed > 0)
      log.event("store.pruned",
                {{"files", int64_t(report.files_removed)}, {"bytes", int64_t(report.freed_bytes)}});
  } catch (const Error& error) {
    log.event("store.unpruned", {{"why", error.what()}});
  }
}

http::Response api_error(std::string_view path, int status, std::string_view text) {
  if (path.starts_with("/v1/messages")) return anthropic::error_response(status, text);
  if (path == "/" || path.starts_with("/api/")) return ollama::error_response(status, text);
  // Also what llama-server has without /v1: /chat/completions, /rerank, /tokenize.
  return http::Response::json(status, json_text(openai::error_json(status, text)));
}

}  // namespace hearth::serve
