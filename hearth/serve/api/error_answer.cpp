#include "hearth/serve/api/error_answer.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "hearth/serve/pool/model_service.h"

namespace hearth::serve {

int status_of(const Error& error) {
  const auto* refusal = dynamic_cast<const Refusal*>(&error);
  return refusal ? refusal->status() : http::status_of(error.code());
}

void add_retry_headers(http::Response& response, const Error& error) {
  const bool may_help = response.status == 429 || response.status == 503;
  response.headers.set("x-should-retry", may_help ? "true" : "false");
  if (!may_help) return;
  const auto* refusal = dynamic_cast<const Refusal*>(&error);
  const std::chrono::seconds after = refusal ? refusal->retry_after() : std::chrono::seconds(1);
  // At least one second: "0" would ask the client to hammer.
  response.headers.set("retry-after", std::to_string(std::max<int64_t>(1, after.count())));
}

}  // namespace hearth::serve
