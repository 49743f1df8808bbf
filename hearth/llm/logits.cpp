#include "hearth/llm/logits.h"

#include <algorithm>

#include "hearth/base/error.h"
#include "hearth/llm/engine_limits.h"
#include "hearth/llm/solo_run.h"

namespace hearth::llm {
namespace {

constexpr size_t kChunkTokens = 512;

void check(const ModelConfig& config, std::span<const int32_t> ids, std::span<const int> at) {
  if (ids.empty() || ids.size() > static_cast<size_t>(config.context_length))
    throw Error(Errc::invalid_argument,
                "tokens: {} ids, between 1 and the model's context of {} are allowed", ids.size(),
                config.context_length);
  check_ids("tokens", ids, config.vocab_size);
  for (int position : at)
    if (position < 0 || static_cast<size_t>(position) >= ids.size())
      throw Error(Errc::invalid_argument, "at: position {} is not between 0 and {}", position,
                  ids.size() - 1);
}

}  // namespace

std::vector<std::vector<float>> raw_logits(const Model& model, std::span<const int32_t> ids,
                                           std::span<const int> at, const LogitsOptions& options,
                                           ThreadPool& pool) {
  check(model.config(), ids, at);
  const size_t chunk = options.one_by_one ? 1 : std::min(kChunkTokens, ids.size());
  SoloRun run(model, options.kv_type, static_cast<int>(ids.size()), static_cast<int>(chunk), pool);
  const size_t vocab_size = model.config().vocab_size;
  std::vector<std::vector<float>> result(at.size());
  for (size_t begin = 0; begin < ids.size(); begin += chunk) {
    const auto part = ids.subspan(begin, std::min(chunk, ids.size() - begin));
    const auto wants = [&](size_t i) {
      return std::find(at.begin(), at.end(), static_cast<int>(begin + i)) != at.end();
    };
    const std::span<const float> logits = run.compute(part, static_cast<int>(begin), wants);
    size_t row = 0;
    for (size_t i = 0; i < part.size(); ++i) {
      if (!wants(i)) continue;
      const auto values = logits.subspan(row++ * vocab_size, vocab_size);
      for (size_t k = 0; k < at.size(); ++k)
        if (at[k] == static_cast<int>(begin + i)) result[k].assign(values.begin(), values.end());
    }
  }
  return result;
}

}  // namespace hearth::llm
