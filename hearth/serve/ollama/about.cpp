// What the server is, and what it is not.
#include "hearth/serve/api/json_text.h"
#include "hearth/serve/ollama/errors.h"
#include "hearth/serve/ollama/handlers.h"

namespace hearth::serve::ollama {
namespace {

using http::Request;
using http::Response;

struct Absent {
  const char* method;
  const char* pattern;
};

// Ollama's accounts and its cloud: nothing leaves this machine.
constexpr Absent kAbsent[] = {
    {"POST", "/api/me"},
    {"POST", "/api/signout"},
    {"DELETE", "/api/user/keys/{key}"},
    {"POST", "/api/experimental/web_search"},
    {"POST", "/api/experimental/web_fetch"},
    {"GET", "/api/experimental/model-recommendations"},
};

Response refuse_cloud(const Request&) {
  return error_response(404,
                        "Hearth has no accounts and no cloud: models run on this machine only");
}

}  // namespace

void add_about_routes(http::Router& router, const SharedDeps& deps) {
  // Clients look for these very words to see whether the server is there.
  router.answer("GET", "/",
                [](const Request&) { return Response::text(200, "Ollama is running"); });
  router.answer("GET", "/api/version", [deps](const Request&) {
    return Response::json(200, json_text(Json::object({{"version", deps->version}})));
  });
  router.answer("GET", "/api/status", [](const Request&) {
    return Response::json(200, R"({"cloud":{"disabled":true,"source":"none"}})");
  });
  for (const Absent& absent : kAbsent) router.answer(absent.method, absent.pattern, refuse_cloud);
}

}  // namespace hearth::serve::ollama
