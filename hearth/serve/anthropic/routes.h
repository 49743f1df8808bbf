// Anthropic's API: POST /v1/messages and POST /v1/messages/count_tokens.
#pragma once
#include "hearth/serve/http/router.h"
#include "hearth/serve/pool/model_service.h"

namespace hearth::serve::anthropic {

/// `models` must outlive the server of `router`. The headers anthropic-version and anthropic-beta
/// and the query are not looked at.
void add_routes(http::Router& router, ModelService& models);

}  // namespace hearth::serve::anthropic
