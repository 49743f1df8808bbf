#include "hearth/llm/perplexity.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/llm/engine_limits.h"
#include "hearth/llm/solo_run.h"

namespace hearth::llm {
namespace {

// Here every token wants logits: a chunk's fill at most this much memory, so that 256k vocabularies
// stay modest.
constexpr size_t kLogitsBytesMax = size_t{64} << 20;

int chunk_tokens(const ModelConfig& config, int context) {
  const size_t fitting = kLogitsBytesMax / (sizeof(float) * config.vocab_size);
  return std::min(context, static_cast<int>(std::clamp<size_t>(fitting, 16, 512)));
}

// Sum over a chunk's tokens; `next` holds the ids that they predict.
double sum_nll(std::span<const float> logits, std::span<const int32_t> next, ThreadPool& pool,
               std::vector<double>& nll) {
  const size_t vocab_size = logits.size() / next.size();
  nll.resize(next.size());
  pool.parallel_for(next.size(), 1, [&](size_t begin, size_t end, int) {
    for (size_t i = begin; i < end; ++i)
      nll[i] = negative_log_likelihood(logits.subspan(i * vocab_size, vocab_size), next[i]);
  });
  // In the order of the text, so that the sum does not depend on the threads.
  return std::accumulate(nll.begin(), nll.end(), 0.0);
}

}  // namespace

double negative_log_likelihood(std::span<const float> logits, int32_t target) {
  const double max = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (float logit : logits) sum += std::exp(logit - max);
  return std::log(sum) + max - logits[target];
}

PerplexityResult perplexity(const Model& model, std::span<const int32_t> ids,
                            const PerplexityOptions& options) {
  if (ids.size() < 2)
    throw Error(Errc::invalid_argument, "text: {} tokens, at least 2 are needed to predict one",
                ids.size());
  check_ids("text", ids, model.config().vocab_size);
  const int context = resolve_context(options.context, model.config());
  const int64_t total = static_cast<int64_t>(ids.size()) - 1;
  const int positions = static_cast<int>(std::min<int64_t>(context, total));
  ThreadPool pool(options.threads);
  SoloRun run(model, options.kv_type, positions, chunk_tokens(model.config(), positions), pool);

  PerplexityResult result{.tokens = total, .context = context};
  std::vector<double> nll;
  double sum = 0;
  for (int64_t done = 0; done < total;) {
    const int position = static_cast<int>(done % context);
    result.windows += position == 0;
    const auto count = static_cast<size_t>(
        std::min<int64_t>({run.chunk_tokens(), context - position, total - done}));
    const auto logits =
        run.compute(ids.subspan(done, count), position, [](size_t) { return true; });
    sum += sum_nll(logits, ids.subspan(done + 1, count), pool, nll);
    done += static_cast<int64_t>(count);
    if (options.progress) options.progress(done, total);
  }
  result.nll_per_token = sum / static_cast<double>(total);
  result.perplexity = std::exp(result.nll_per_token);
  return result;
}

PerplexityResult perplexity(const Model& model, const Tokenizer& tokenizer, std::string_view text,
                            const PerplexityOptions& options) {
  std::vector<int32_t> ids = tokenizer.encode(text, {.add_special = false});
  if (const std::optional<int32_t> bos = tokenizer.bos()) ids.insert(ids.begin(), *bos);
  return perplexity(model, ids, options);
}

}  // namespace hearth::llm
