#include "hearth/serve/ollama/json_text.h"

#include <cmath>

#include "hearth/base/error.h"

namespace hearth::serve::ollama {

std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string vector_text(std::span<const float> values) {
  std::string out = "[";
  for (const float value : values) {
    if (!std::isfinite(value))
      throw Error(Errc::corrupt_data, "the model made an embedding that is not finite");
    fmt::format_to(std::back_inserter(out), "{}{}", out.size() > 1 ? "," : "", value);
  }
  return out + "]";
}

}  // namespace hearth::serve::ollama
