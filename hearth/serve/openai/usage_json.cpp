#include "hearth/serve/openai/usage_json.h"

namespace hearth::serve::openai {
namespace {

double milliseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

Json usage_json(const Usage& usage) {
  Json json = {{"prompt_tokens", usage.prompt_tokens},
               {"completion_tokens", usage.generated_tokens},
               {"total_tokens", usage.prompt_tokens + usage.generated_tokens},
               {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}}};
  if (usage.thinking_tokens > 0)
    json["completion_tokens_details"] = {{"reasoning_tokens", usage.thinking_tokens}};
  return json;
}

Json timings_json(const AnswerEnd& end) {
  const int computed = end.prompt_tokens - end.prompt_tokens_cached;
  Json json = {{"cache_n", end.prompt_tokens_cached},
               {"prompt_n", computed},
               {"prompt_ms", milliseconds(end.prompt_time)}};
  if (end.prompt_time.count() > 0)
    json["prompt_per_second"] = computed * 1e3 / milliseconds(end.prompt_time);
  json["predicted_n"] = end.generated_tokens;
  json["predicted_ms"] = milliseconds(end.decode_time);
  if (end.decode_time.count() > 0)
    json["predicted_per_second"] = end.generated_tokens * 1e3 / milliseconds(end.decode_time);
  return json;
}

}  // namespace hearth::serve::openai
