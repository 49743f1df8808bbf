// POST /api/show.
#include <optional>

#include "hearth/serve/api/json_text.h"
#include "hearth/serve/ollama/errors.h"
#include "hearth/serve/ollama/handlers.h"
#include "hearth/serve/ollama/request_fields.h"
#include "hearth/serve/ollama/show_json.h"

namespace hearth::serve::ollama {
namespace {

std::optional<formats::Gguf> open_layer(const Deps& deps, const store::StoredModel& model,
                                        store::LayerKind kind) {
  const store::Layer* layer = model.manifest.find(kind);
  if (!layer) return std::nullopt;
  return formats::Gguf::open(deps.store.blobs().path(layer->digest));
}

http::Response show_model(const Deps& deps, const http::Request& request) {
  const Json json = parse_body(request.body);
  const Fields body(json);
  const store::StoredModel model = find_model(deps, read_model_name(body));
  store::ModelTexts texts = store::read_texts(deps.store, model);
  if (auto system = body.try_string("system"); system && !system->empty()) texts.system = system;
  const auto weights = open_layer(deps, model, store::LayerKind::model);
  const auto projector = open_layer(deps, model, store::LayerKind::projector);
  return http::Response::json(
      200, json_text(show_json(model, texts, deps.store.blobs(), weights ? &*weights : nullptr,
                               projector ? &*projector : nullptr,
                               body.try_bool("verbose").value_or(false))));
}

}  // namespace

void add_show_routes(http::Router& router, const SharedDeps& deps) {
  router.answer(
      "POST", "/api/show",
      [deps](const http::Request& request) { return show_model(*deps, request); }, route_options());
}

}  // namespace hearth::serve::ollama
