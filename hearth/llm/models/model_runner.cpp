#include "hearth/llm/models/model_runner.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "hearth/base/rng.h"
#include "hearth/llm/models/random_model.h"

namespace hearth::llm {
namespace {

int longest(std::span<const std::vector<int32_t>> sequences) {
  size_t tokens = 0;
  for (const auto& ids : sequences) tokens = std::max(tokens, ids.size());
  return static_cast<int>(tokens);
}

std::vector<std::vector<int32_t>> allocate_in_turns(KvCache& cache, size_t sequences, int pages) {
  std::vector<std::vector<int32_t>> tables(sequences);
  for (int p = 0; p < pages; ++p)
    for (auto& table : tables) table.push_back(cache.try_allocate().value());
  return tables;
}

}  // namespace

std::vector<int32_t> random_ids(int count, uint64_t seed) {
  Rng rng(seed);
  std::vector<int32_t> ids = {1};
  while (static_cast<int>(ids.size()) < count)
    ids.push_back(static_cast<int32_t>(3 + rng.below(random_model_vocab_size() - 3)));
  return ids;
}

std::vector<std::vector<float>> run_sequences(const Model& model,
                                              std::span<const std::vector<int32_t>> sequences,
                                              const RunOptions& options) {
  const int tokens = longest(sequences), chunk = options.chunk ? options.chunk : tokens;
  const KvShape shape = model.kv_shape();
  const int pages = (tokens + shape.page_tokens - 1) / shape.page_tokens;
  KvCache cache(shape, options.kv, pages * static_cast<int>(sequences.size()));
  const auto owned = allocate_in_turns(cache, sequences.size(), pages);
  const std::vector<std::span<const int32_t>> tables(owned.begin(), owned.end());
  ThreadPool pool(options.threads);
  const int batch_max = chunk * static_cast<int>(sequences.size());
  const auto state = model.make_state(options.threads, batch_max, batch_max);

  std::vector<std::vector<float>> out(sequences.size());
  for (int begin = 0; begin < tokens; begin += chunk) {
    std::vector<Batch::Token> batch;
    for (size_t s = 0; s < sequences.size(); ++s)
      for (int p = begin; p < std::min<int>(begin + chunk, sequences[s].size()); ++p)
        batch.push_back({sequences[s][p], p, static_cast<int32_t>(s), true});
    const std::span<const float> logits =
        model.forward({batch, tables, options.adapters}, cache, *state, pool);
    const size_t vocab = model.config().vocab_size;
    for (size_t i = 0; i < batch.size(); ++i) {
      const auto row = logits.subspan(i * vocab, vocab);
      out[batch[i].sequence].insert(out[batch[i].sequence].end(), row.begin(), row.end());
    }
  }
  return out;
}

std::vector<float> run_model(const Model& model, std::span<const int32_t> ids,
                             const RunOptions& options) {
  const std::vector<int32_t> sequence(ids.begin(), ids.end());
  return run_sequences(model, {&sequence, 1}, options)[0];
}

namespace {

class SquaredError {
 public:
  void add(double value, double expected) {
    error_ += (value - expected) * (value - expected);
    size_ += expected * expected;
  }
  double relative() const {
    const double ratio = std::sqrt(error_ / size_);
    return std::isfinite(ratio) ? ratio : std::numeric_limits<double>::infinity();
  }

 private:
  double error_ = 0, size_ = 0;
};

}  // namespace

double relative_error(std::span<const float> a, const std::vector<std::vector<double>>& b) {
  if (b.empty() || a.size() != b.size() * b[0].size())
    return std::numeric_limits<double>::infinity();
  SquaredError error;
  for (size_t i = 0; i < a.size(); ++i) error.add(a[i], b[i / b[0].size()][i % b[0].size()]);
  return error.relative();
}

double relative_error(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  SquaredError error;
  for (size_t i = 0; i < a.size(); ++i) error.add(a[i], b[i]);
  return error.relative();
}

}  // namespace hearth::llm
