// POST /api/embed and /api/embeddings.
#include <utility>

#include "hearth/serve/ollama/embed_json.h"
#include "hearth/serve/ollama/errors.h"
#include "hearth/serve/ollama/handlers.h"

namespace hearth::serve::ollama {
namespace {

using Clock = std::chrono::steady_clock;
using Form = std::function<std::string(const Embeddings&, const AnswerTimes&)>;

// One request on its way: what the callbacks of submit() share.
struct Embedding {
  SharedDeps deps;
  EmbedRequest request;
  Form form;
  std::string model;
  std::stop_token closed;
  http::Responder responder;
  Clock::time_point submitted = Clock::now();

  void run(Turn& turn) {
    Embeddings made;
    if (!request.inputs.empty()) made = turn.engine.embed(request, closed);
    responder.send(http::Response::json(
        200, form(made, {.total = Clock::now() - submitted, .load = turn.load_time})));
  }

  void fail(const Error& error) {
    if (error.code() == Errc::too_long)
      return responder.send(error_response(400, "the input length exceeds the context length"));
    const bool is_absent = error.code() == Errc::not_found;
    responder.send(is_absent ? error_response(named(*deps, model, error)) : error_response(error));
  }
};

void embed(const SharedDeps& deps, EmbedCall asked, Form form, const http::Request& request,
           http::Responder& responder) {
  warn_all(*deps, asked.warnings);
  asked.call.caller = request.caller;
  asked.call.closed = request.closed;
  const auto embedding = std::make_shared<Embedding>(
      Embedding{deps, std::move(asked.request), std::move(form), asked.call.model, request.closed,
                std::move(responder)});
  deps->models.submit(
      std::move(asked.call), [embedding](Turn& turn) { embedding->run(turn); },
      [embedding](const Error& error) { embedding->fail(error); });
}

}  // namespace

void add_embed_routes(http::Router& router, const SharedDeps& deps) {
  router.stream(
      "POST", "/api/embed",
      [deps](const http::Request& request, http::Responder& responder) {
        EmbedCall call = parse_embed(request.body);
        const auto form = [model = call.call.model](const Embeddings& embeddings,
                                                    const AnswerTimes& times) {
          return embed_answer(model, embeddings, times);
        };
        embed(deps, std::move(call), form, request, responder);
      },
      route_options());
  router.stream(
      "POST", "/api/embeddings",
      [deps](const http::Request& request, http::Responder& responder) {
        const auto form = [](const Embeddings& embeddings, const AnswerTimes&) {
          return embeddings_answer(embeddings);
        };
        embed(deps, parse_embeddings(request.body), form, request, responder);
      },
      route_options());
}

}  // namespace hearth::serve::ollama
