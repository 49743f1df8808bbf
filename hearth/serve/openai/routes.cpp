#include "hearth/serve/openai/routes.h"

#include "hearth/serve/openai/handlers.h"
#include "hearth/serve/openai/reply.h"

namespace hearth::serve::openai {
namespace {

struct Route {
  const char* method;
  const char* path;
  void (*handler)(const http::Request&, http::Responder&, const Deps&);
};

constexpr Route kRoutes[] = {
    {"POST", "/v1/chat/completions", post_chat},
    {"POST", "/chat/completions", post_chat},
    {"POST", "/v1/completions", post_completion},
    {"POST", "/v1/responses", post_response},
    {"POST", "/responses", post_response},
    {"GET", "/v1/responses/{id}", find_response},
    {"DELETE", "/v1/responses/{id}", find_response},
    {"POST", "/v1/responses/{id}/cancel", find_response},
    {"POST", "/v1/embeddings", post_embeddings},
    {"POST", "/v1/rerank", post_rerank},
    {"POST", "/v1/reranking", post_rerank},
    {"POST", "/v2/rerank", post_rerank},
    {"POST", "/rerank", post_rerank},
    {"POST", "/reranking", post_rerank},
    {"GET", "/v1/models", list_models},
    {"GET", "/v1/models/{id...}", show_model},
    {"GET", "/health", get_health},
    {"GET", "/v1/health", get_health},
    {"GET", "/props", get_props},
    {"POST", "/tokenize", post_tokenize},
    {"POST", "/detokenize", post_detokenize},
    {"POST", "/apply-template", post_apply_template},
    {"POST", "/v1/chat/completions/input_tokens", count_chat_tokens},
    {"POST", "/v1/responses/input_tokens", count_response_tokens},
};

}  // namespace

void add_routes(http::Router& router, const Deps& deps) {
  for (const Route& route : kRoutes)
    router.stream(route.method, route.path,
                  with_errors([deps, handler = route.handler](const http::Request& request,
                                                              http::Responder& responder) {
                    handler(request, responder, deps);
                  }));
}

}  // namespace hearth::serve::openai
