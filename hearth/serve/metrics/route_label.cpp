#include "hearth/serve/metrics/route_label.h"

#include "hearth/serve/metrics/registry.h"

namespace hearth::serve {
namespace {

struct KnownRoute {
  std::string_view api;
  std::string_view path;  // whatever follows a "{" may be anything
};

constexpr KnownRoute kRoutes[] = {
    {"ollama", "/"},
    {"ollama", "/api/blobs/{digest}"},
    {"ollama", "/api/chat"},
    {"ollama", "/api/copy"},
    {"ollama", "/api/create"},
    {"ollama", "/api/delete"},
    {"ollama", "/api/embed"},
    {"ollama", "/api/embeddings"},
    {"ollama", "/api/generate"},
    {"ollama", "/api/ps"},
    {"ollama", "/api/pull"},
    {"ollama", "/api/push"},
    {"ollama", "/api/show"},
    {"ollama", "/api/status"},
    {"ollama", "/api/tags"},
    {"ollama", "/api/version"},
    {"openai", "/v1/chat/completions"},
    {"openai", "/v1/chat/completions/input_tokens"},
    {"openai", "/v1/completions"},
    {"openai", "/v1/embeddings"},
    {"openai", "/v1/models"},
    {"openai", "/v1/models/{model}"},
    {"openai", "/v1/rerank"},
    {"openai", "/v1/reranking"},
    {"openai", "/v1/responses"},
    {"openai", "/v1/responses/input_tokens"},
    {"openai", "/v1/responses/{id}"},
    {"openai", "/v2/rerank"},
    // llama-server's own, in the same form.
    {"openai", "/chat/completions"},
    {"openai", "/detokenize"},
    {"openai", "/props"},
    {"openai", "/rerank"},
    {"openai", "/reranking"},
    {"openai", "/responses"},
    {"openai", "/tokenize"},
    {"anthropic", "/v1/messages"},
    {"anthropic", "/v1/messages/count_tokens"},
    {"hearth", "/health"},
    {"hearth", "/metrics"},
    {"hearth", "/v1/health"},
};

bool fits(std::string_view pattern, std::string_view path) {
  const size_t open = pattern.find('{');
  if (open == std::string_view::npos) return path == pattern;
  return path.size() > open && path.starts_with(pattern.substr(0, open));
}

}  // namespace

RouteLabel route_label(std::string_view path) {
  for (const KnownRoute& route : kRoutes)
    if (fits(route.path, path)) return {route.api, route.path};
  return {kOtherLabel, kOtherLabel};
}

}  // namespace hearth::serve
