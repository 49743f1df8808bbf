#include "hearth/serve/ollama/errors.h"

#include <utility>

#include "hearth/serve/ollama/json_text.h"
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
  if (const auto* refusal = dynamic_cast<const Refusal*>(&error)) {
    const int status = refusal->status();
    http::Response response = error_response(status, status == 503 ? kBusy : error.what());
    response.headers.set("retry-after", std::to_string(refusal->retry_after().count()));
    return response;
  }
  http::Response response = error_response(native_status(error.code()), error.what());
  if (response.status == 503) response.headers.set("retry-after", "1");
  return response;
}

http::RouteOptions route_options(uint64_t body_bytes_max) {
  return {.body_bytes_max = body_bytes_max,
          .error_answer = [](const Error& error) { return error_response(error); }};
}

}  // namespace hearth::serve::ollama
