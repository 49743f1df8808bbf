// POST /v1/embeddings and /v1/rerank.
#include <utility>

#include "hearth/serve/openai/embedding_json.h"
#include "hearth/serve/openai/handlers.h"
#include "hearth/serve/openai/reply.h"
#include "hearth/serve/openai/rerank_json.h"

namespace hearth::serve::openai {

void post_embeddings(const http::Request& request, http::Responder& responder, const Deps& deps) {
  EmbeddingCall call = read_embedding_request(parse_body(request.body));
  submit_text(deps.models, with_client(call.call, request), responder,
              [asked = std::move(call.request), is_base64 = call.is_base64,
               closed = request.closed](Turn& turn) {
                return embeddings_text(turn.engine.embed(asked, closed), turn.model, is_base64);
              });
}

void post_rerank(const http::Request& request, http::Responder& responder, const Deps& deps) {
  const Json body = parse_body(request.body);
  submit_object(deps.models, with_client(read_call_of_loaded(body, deps.models), request),
                responder, [call = read_rerank_request(body), closed = request.closed](Turn& turn) {
                  return rerank_json(turn.engine.rerank(call.request, closed), call, turn.model);
                });
}

}  // namespace hearth::serve::openai
