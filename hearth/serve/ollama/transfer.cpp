// POST /api/pull and /api/push.
#include <utility>

#include "hearth/serve/ollama/errors.h"
#include "hearth/serve/ollama/handlers.h"
#include "hearth/serve/ollama/progress_lines.h"
#include "hearth/serve/ollama/request_fields.h"

namespace hearth::serve::ollama {
namespace {

void transfer(const Transfer& run, std::string_view verb, LongWork& work,
              const http::Request& request, http::Responder& responder) {
  const Json json = parse_body(request.body);
  const Fields body(json);
  const std::string name = read_model_name(body);
  const bool is_insecure = body.try_bool("insecure").value_or(false);
  const bool streams = read_stream(body);
  store::parse_model_name(name);
  if (!run) throw Error(Errc::unsupported, "this server cannot {} models", verb);
  const LongWork::Place place(work);
  ProgressLines lines(streams, std::move(responder));
  try {
    run(
        name, is_insecure, [&](const TransferProgress& progress) { lines.say(progress); },
        request.closed);
    lines.succeed();
  } catch (const Error& error) {
    lines.fail(error);
  }
}

}  // namespace

void add_transfer_routes(http::Router& router, const SharedDeps& deps, const SharedWork& work) {
  router.stream(
      "POST", "/api/pull",
      [deps, work](const http::Request& request, http::Responder& responder) {
        transfer(deps->pull, "pull", *work, request, responder);
      },
      route_options());
  router.stream(
      "POST", "/api/push",
      [deps, work](const http::Request& request, http::Responder& responder) {
        transfer(deps->push, "push", *work, request, responder);
      },
      route_options());
}

}  // namespace hearth::serve::ollama
