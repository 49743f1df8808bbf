// GET /api/tags and /api/ps, POST /api/copy, DELETE /api/delete.
#include <utility>

#include "hearth/serve/api/json_text.h"
#include "hearth/serve/ollama/errors.h"
#include "hearth/serve/ollama/handlers.h"
#include "hearth/serve/ollama/model_json.h"
#include "hearth/serve/ollama/request_fields.h"

namespace hearth::serve::ollama {
namespace {

using http::Request;
using http::Response;

// A model whose config is damaged is listed all the same: it is there, and can be deleted.
store::ModelConfig config_of(const Deps& deps, const store::StoredModel& model) {
  try {
    return store::parse_model_config(deps.store.read(model.manifest.config), model.name.shown());
  } catch (const Error& error) {
    warn_all(deps, {fmt::format("model '{}': {}", model.name.shown(), error.what())});
    return {};
  }
}

Response list_models(const Deps& deps) {
  Json models = Json::array();
  const store::StoreListing listing = deps.store.list();
  for (const store::StoredModel& model : listing.models)
    models.push_back(tag_json(model, config_of(deps, model)));
  for (const store::BrokenEntry& broken : listing.broken) warn_all(deps, {broken.message});
  return Response::json(200, json_text(Json::object({{"models", std::move(models)}})));
}

Json details_of(const Deps& deps, const std::string& name) {
  try {
    const store::StoredModel model = find_model(deps, name);
    return details_json(config_of(deps, model), model.manifest);
  } catch (const Error&) {
    return details_json({}, {});  // deleted while it is loaded
  }
}

Response list_loaded(const Deps& deps) {
  Json models = Json::array();
  for (const LoadedModel& model : deps.models.loaded())
    models.push_back(loaded_json(model, details_of(deps, model.name)));
  return Response::json(200, json_text(Json::object({{"models", std::move(models)}})));
}

store::ModelName read_name(const Fields& body, std::string_view key) {
  const std::string text = body.string(key);
  try {
    return store::parse_model_name(text);
  } catch (const Error& error) {
    throw Error(Errc::invalid_argument, "{} \"{}\" is invalid: {}", key, text, error.what());
  }
}

Response copy_model(const Deps& deps, const Request& request) {
  const Json json = parse_body(request.body);
  const Fields body(json);
  const store::ModelName from = read_name(body, "source"), to = read_name(body, "destination");
  if (!deps.store.try_find(from))
    return error_response(404, fmt::format("model \"{}\" not found", body.string("source")));
  deps.store.copy(from, to);
  deps.models.unload(to.shown());  // what is loaded under that name is another model now
  return {.status = 200, .headers = {}, .body = {}};
}

Response delete_model(const Deps& deps, const Request& request) {
  const Json json = parse_body(request.body);
  const std::string name = read_model_name(Fields(json));
  try {
    // Not find_model(): a broken manifest has a name, too, and must not stay for ever.
    const store::ModelName parsed = store::parse_model_name(name);
    deps.models.unload(name);
    deps.store.remove(parsed);
  } catch (const Error& error) {
    if (error.code() != Errc::not_found) throw;
    return error_response(404, fmt::format("model '{}' not found", name));
  }
  return {.status = 200, .headers = {}, .body = {}};
}

}  // namespace

void add_model_routes(http::Router& router, const SharedDeps& deps) {
  router.answer(
      "GET", "/api/tags", [deps](const Request&) { return list_models(*deps); }, route_options());
  router.answer(
      "GET", "/api/ps", [deps](const Request&) { return list_loaded(*deps); }, route_options());
  router.answer(
      "POST", "/api/copy", [deps](const Request& request) { return copy_model(*deps, request); },
      route_options());
  router.answer(
      "DELETE", "/api/delete",
      [deps](const Request& request) { return delete_model(*deps, request); }, route_options());
}

}  // namespace hearth::serve::ollama
