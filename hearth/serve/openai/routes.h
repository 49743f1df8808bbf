// OpenAI's endpoints, and those of llama-server and TEI that clients use beside them.
#pragma once
#include "hearth/serve/http/router.h"
#include "hearth/serve/pool/model_service.h"
#include "hearth/store/model_store.h"

namespace hearth::serve::openai {

/// Both must outlive the server.
struct Deps {
  ModelService& models;
  const store::ModelStore& store;
};

/// Adds every endpoint of this folder (README.md lists them). Paths of Ollama's and Anthropic's
/// APIs are not among them.
void add_routes(http::Router& router, const Deps& deps);

}  // namespace hearth::serve::openai
