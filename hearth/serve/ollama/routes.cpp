#include "hearth/serve/ollama/routes.h"

#include "hearth/base/error.h"
#include "hearth/serve/ollama/handlers.h"

namespace hearth::serve::ollama {

store::ModelParameters default_parameters() {
  // Ollama, api/types.go: DefaultOptions.
  return {{"num_keep", int64_t{4}},
          {"seed", int64_t{-1}},
          {"num_predict", int64_t{-1}},
          {"top_k", int64_t{40}},
          {"top_p", 0.9},
          {"min_p", 0.0},
          {"typical_p", 1.0},
          {"repeat_last_n", int64_t{64}},
          {"temperature", 0.8},
          {"repeat_penalty", 1.0},
          {"presence_penalty", 0.0},
          {"frequency_penalty", 0.0}};
}

void warn_all(const Deps& deps, const std::vector<std::string>& warnings) {
  if (!deps.warn) return;
  for (const std::string& warning : warnings) deps.warn(warning);
}

store::StoredModel find_model(const Deps& deps, const std::string& name) {
  try {
    return deps.store.find(name);
  } catch (const Error& error) {
    if (error.code() != Errc::not_found && error.code() != Errc::invalid_argument) throw;
    throw Error(Errc::not_found, "model '{}' not found", name);
  }
}

Error named(const Deps& deps, const std::string& model, const Error& error) {
  if (error.code() != Errc::not_found) return error;
  try {
    find_model(deps, model);
    return error;
  } catch (const Error& missing) {
    return missing;
  }
}

void add_routes(http::Router& router, const Deps& deps) {
  const auto shared = std::make_shared<const Deps>(deps);
  const auto work = std::make_shared<LongWork>();
  add_about_routes(router, shared);
  add_answer_routes(router, shared);
  add_blob_routes(router, shared);
  add_create_routes(router, shared, work);
  add_embed_routes(router, shared);
  add_model_routes(router, shared);
  add_show_routes(router, shared);
  add_transfer_routes(router, shared, work);
}

}  // namespace hearth::serve::ollama
