// Requests from anyone, as bytes of a connection: syntax, percent signs, queries, paths, routes,
// hosts, origins. Nothing may crash, and what is let in must be what the checks promise.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/serve/http/admission.h"

namespace {

using namespace hearth::http;

Router make_router() {
  const AnswerHandler nothing = [](const Request&) { return Response{}; };
  Router router;
  router.answer("GET", "/", nothing);
  router.answer("GET", "/v1/models/{name...}", nothing);
  router.answer("POST", "/v1/models/{name}/copy", nothing);
  router.answer("POST", "/a/{x}/{y}", nothing, {.body_bytes_max = 4});
  router.answer("DELETE", "/a/b/{y...}", nothing);
  return router;
}

void check_admitted(const Admission& admission) {
  HEARTH_CHECK((admission.route == nullptr) == admission.answer.has_value());
  if (!admission.route) return;
  const Request& request = admission.request;
  HEARTH_CHECK(request.path().starts_with('/'));
  HEARTH_CHECK(request.path().find('\0') == std::string::npos);
  for (const std::string& segment : request.target.segments)
    HEARTH_CHECK(segment != "." && segment != "..");
  for (const auto& [name, value] : request.parameters) HEARTH_CHECK(!value.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Router router = make_router();
  static const Policy policy = {.own_name = "box", .body_bytes_max = 64};
  std::string waiting(reinterpret_cast<const char*>(data), size);
  for (RequestParser parser(4096); !waiting.empty();) {
    const size_t taken = parser.put(waiting);
    HEARTH_CHECK(taken <= waiting.size());
    waiting.erase(0, taken);
    if (parser.state() == RequestParser::State::failed) {
      HEARTH_CHECK(parser.error_status() >= 400 && !parser.error_text().empty());
      return 0;
    }
    if (parser.state() == RequestParser::State::done) {
      HEARTH_CHECK(parser.take_body().size() <= size);
      check_admitted(decide(std::move(parser.head()), router, policy));
      parser = RequestParser(4096);
    } else if (taken == 0) {
      return 0;  // waits for more
    }
  }
  return 0;
}
