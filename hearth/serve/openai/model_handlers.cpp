// GET /v1/models, /v1/models/{id}, /health and llama-server's /props. None of them loads a model.
#include <chrono>
#include <utility>

#include "hearth/serve/api/json_fields.h"
#include "hearth/serve/api/json_text.h"
#include "hearth/serve/openai/handlers.h"

namespace hearth::serve::openai {
namespace {

Json model_json(const store::StoredModel& model) {
  const auto since_1970 = model.modified.time_since_epoch();
  return {{"id", model.name.shown()},
          {"object", "model"},
          {"created", std::chrono::duration_cast<std::chrono::seconds>(since_1970).count()},
          {"owned_by", model.name.name_space}};
}

void send(http::Responder& responder, const Json& json) {
  responder.send(http::Response::json(200, json_text(json)));
}

// What is no name is the name of no model.
store::StoredModel find_model(const store::ModelStore& store, const std::string& id) {
  try {
    if (auto model = store.try_find(store::parse_model_name(id))) return *std::move(model);
  } catch (const Error& error) {
    if (error.code() != Errc::invalid_argument) throw;
  }
  throw Error(Errc::not_found, "model '{}' not found", id);
}

// The one that ?model= names, by a name as listed or in the store's short form; else the only one.
const LoadedModel& choose_loaded(const std::vector<LoadedModel>& loaded, const std::string* name) {
  if (name)
    for (const LoadedModel& model : loaded)
      if (model.name == *name || model.name == store::parse_model_name(*name).shown()) return model;
  if (name) throw Error(Errc::not_found, "model '{}' is not loaded", *name);
  if (loaded.empty()) throw Error(Errc::not_found, "no model is loaded");
  if (loaded.size() != 1)
    throw Error(Errc::invalid_argument,
                "{} models are loaded: say which with ?model=", loaded.size());
  return loaded.front();
}

Json props_json(const LoadedModel& model) {
  const EngineFacts& facts = model.facts;
  return {{"default_generation_settings", {{"n_ctx", facts.context}}},
          {"total_slots", facts.answers_max},
          {"model_alias", model.name},
          {"modalities", {{"vision", false}, {"audio", false}}},
          {"architecture", facts.architecture},
          {"capabilities", facts.capabilities.names()},
          {"memory_bytes", facts.memory_bytes},
          {"device_bytes", facts.device_bytes}};
}

}  // namespace

void list_models(const http::Request&, http::Responder& responder, const Deps& deps) {
  Json data = Json::array();
  for (const store::StoredModel& model : deps.store.list().models)
    data.push_back(model_json(model));
  send(responder, {{"object", "list"}, {"data", std::move(data)}});
}

void show_model(const http::Request& request, http::Responder& responder, const Deps& deps) {
  const std::string id(request.parameter("id"));
  send(responder, model_json(find_model(deps.store, id)));
}

void get_health(const http::Request&, http::Responder& responder, const Deps&) {
  send(responder, {{"status", "ok"}});
}

void get_props(const http::Request& request, http::Responder& responder, const Deps& deps) {
  const std::vector<LoadedModel> loaded = deps.models.loaded();
  send(responder, props_json(choose_loaded(loaded, request.target.query.find("model"))));
}

}  // namespace hearth::serve::openai
