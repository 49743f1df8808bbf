#include "hearth/serve/ollama/errors.h"

#include <utility>

#include "hearth/serve/api/error_answer.h"
#include "hearth/serve/api/json_text.h"
#include "hearth/serve/pool/model_service.h"

namespace hearth::serve::ollama {
namespace {

// Two blanks, as Ollama has them: clients compare.
constexpr std::string_view kBusy =
    "server busy, please try again.  maximum pending requests exceeded";

int native_status(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::unsupported:
    case Errc::too_long:
      return 400;
    case Errc::not_found:
    case Errc::conflict:
    case Errc::unavailable:
      return http::status_of(code);
    case Errc::corrupt_data:
    case Errc::resource_exhausted:
    case Errc::io_failure:
      return 500;
  }
  return 500;
}

}  // namespace

http::Response error_response(int status, std::string_view text) {
  return http::Response::json(status, json_text({{"error", text}}));
}

http::Response error_response(const Error& error) {
  const auto* refusal = dynamic_cast<const Refusal*>(&error);
  const int status = refusal ? refusal->status() : native_status(error.code());
  http::Response response = error_response(status, refusal && status == 503 ? kBusy : error.what());
  add_retry_headers(response, error);
  return response;
}

http::RouteOptions route_options(uint64_t body_bytes_max) {
  return {.body_bytes_max = body_bytes_max,
          .error_answer = [](const Error& error) { return error_response(error); }};
}

}  // namespace hearth::serve::ollama
