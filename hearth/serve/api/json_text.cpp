#include "hearth/serve/api/json_text.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "hearth/base/error.h"

namespace hearth::serve {

std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void check_finite(std::span<const float> values) {
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
    throw Error(Errc::corrupt_data, "the model made an embedding that is not finite");
}

std::string vector_text(std::span<const float> values) {
  check_finite(values);
  std::string out = "[";
  for (const float value : values)
    fmt::format_to(std::back_inserter(out), "{}{}", out.size() > 1 ? "," : "", value);
  return out + "]";
}

}  // namespace hearth::serve
