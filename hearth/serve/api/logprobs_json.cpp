#include "hearth/serve/api/logprobs_json.h"

#include <algorithm>

namespace hearth::serve {

float finite_logprob(float logprob) { return std::max(logprob, -9999.0f); }

Json token_json(const TokenProbability& token) {
  Json bytes = Json::array();
  for (const char c : token.text) bytes.push_back(static_cast<unsigned char>(c));
  return {{"token", token.text},
          {"logprob", finite_logprob(token.logprob)},
          {"bytes", std::move(bytes)}};
}

}  // namespace hearth::serve
