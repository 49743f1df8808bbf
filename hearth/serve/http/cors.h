// Which web pages may talk to this server (the Fetch standard's CORS, with Ollama's origins).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "hearth/serve/http/headers.h"

namespace hearth::http {

/// Allowed besides those of the machine itself; "*" stands for any text, once in each. Ollama's
/// OLLAMA_ORIGINS.
using Origins = std::vector<std::string>;

/// True when a page of `origin` may call: http(s) on localhost, 127.0.0.1 or 0.0.0.0 at any port,
/// app://, file://, tauri:// and vscode-webview:// with anything behind, the page's own server
/// (`origin` is http(s):// and `host`), and what fits one of `configured`.
bool is_allowed_origin(std::string_view origin, std::string_view host, const Origins& configured);

/// What an answer to a page of `origin`, which is allowed, carries.
Headers cors_headers(std::string_view origin);
/// What the answer to its preflight carries besides; `allow` names the path's methods.
Headers preflight_headers(std::string_view allow, std::string_view requested_headers);

}  // namespace hearth::http
