// The endpoints by file; routes.cpp gives each its path. What they throw is answered as an error of
// this API.
#pragma once
#include "hearth/serve/http/request.h"
#include "hearth/serve/http/responder.h"
#include "hearth/serve/openai/routes.h"

namespace hearth::serve::openai {

// answer_handlers.cpp
void post_chat(const http::Request& request, http::Responder& responder, const Deps& deps);
void post_completion(const http::Request& request, http::Responder& responder, const Deps& deps);

// responses_handlers.cpp
void post_response(const http::Request& request, http::Responder& responder, const Deps& deps);
/// GET and DELETE of one: there never is one, as nothing is kept.
void find_response(const http::Request& request, http::Responder& responder, const Deps& deps);

// vector_handlers.cpp
void post_embeddings(const http::Request& request, http::Responder& responder, const Deps& deps);
void post_rerank(const http::Request& request, http::Responder& responder, const Deps& deps);

// model_handlers.cpp
void list_models(const http::Request& request, http::Responder& responder, const Deps& deps);
void show_model(const http::Request& request, http::Responder& responder, const Deps& deps);
void get_health(const http::Request& request, http::Responder& responder, const Deps& deps);
void get_props(const http::Request& request, http::Responder& responder, const Deps& deps);

// token_handlers.cpp
void post_tokenize(const http::Request& request, http::Responder& responder, const Deps& deps);
void post_detokenize(const http::Request& request, http::Responder& responder, const Deps& deps);
void post_apply_template(const http::Request& request, http::Responder& responder,
                         const Deps& deps);
void count_chat_tokens(const http::Request& request, http::Responder& responder, const Deps& deps);
void count_response_tokens(const http::Request& request, http::Responder& responder,
                           const Deps& deps);

/// `call` of this request: whose it is, and when its client leaves.
ModelCall with_client(ModelCall call, const http::Request& request);
/// read_call() of a body that may name no model where exactly one is loaded, as clients of
/// llama-server never name any. Errors: FieldError.
ModelCall read_call_of_loaded(const Json& body, const ModelService& models);

}  // namespace hearth::serve::openai
