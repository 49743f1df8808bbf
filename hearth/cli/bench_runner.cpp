#include "hearth/cli/bench_runner.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "hearth/base/rng.h"
#include "hearth/cli/interrupt.h"
#include "hearth/cli/progress.h"
#include "hearth/cli/show_report.h"
#include "hearth/compute/cpu_features.h"
#include "hearth/compute/peak.h"
#include "hearth/compute/thread_pool.h"
#include "hearth/llm/kv_cache.h"
#include "hearth/llm/models/model.h"

namespace hearth::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kChunkTokens = 512;  // of one forward pass, as the engine splits a prompt

double seconds_since(Clock::time_point started) {
  return std::chrono::duration<double>(Clock::now() - started).count();
}

// A model, a cache for one sequence, and random tokens to feed it: what they say does not change
// the work.
class Bench {
 public:
  Bench(const formats::Gguf& file, int threads, int positions)
      : pool_(threads),
        model_(llm::Model::load(file, {.context = positions})),
        positions_(std::min(positions, model_->config().context_length)),
        cache_(model_->kv_shape(), llm::KvType::f16, page_count()),
        state_(model_->make_state(pool_.size(), kChunkTokens, /*logits_max=*/1)) {
    for (int page = 0; page < page_count(); ++page) pages_.push_back(cache_.try_allocate().value());
    Rng rng(1);
    const auto vocab_size = static_cast<uint64_t>(model_->config().vocab_size);
    for (int position = 0; position < positions_; ++position)
      ids_.push_back(static_cast<int32_t>(rng.below(vocab_size)));
  }

  const llm::Model& model() const { return *model_; }
  ThreadPool& pool() { return pool_; }

  double prefill_seconds(int tokens) {
    const auto started = Clock::now();
    for (int begin = 0; begin < tokens; begin += kChunkTokens)
      forward(begin, std::min(begin + kChunkTokens, tokens), /*last=*/tokens);
    return seconds_since(started);
  }

  void decode(int begin, int end) {
    for (int position = begin; position < end; ++position)
      forward(position, position + 1, /*last=*/position + 1);
  }

 private:
  int page_count() const {
    const int page_tokens = model_->kv_shape().page_tokens;
    return (positions_ + page_tokens - 1) / page_tokens;
  }

  // Positions [begin, end); logits of the last one only, as an answer needs them.
  void forward(int begin, int end, int last) {
    std::vector<llm::Batch::Token> tokens;
    for (int p = begin; p < end; ++p)
      tokens.push_back({.id = ids_[static_cast<size_t>(p)],
                        .position = p,
                        .sequence = 0,
                        .wants_logits = p == last - 1});
    const std::span<const int32_t> table = pages_;
    model_->forward({.tokens = tokens, .page_tables = {&table, 1}}, cache_, *state_, pool_);
  }

  ThreadPool pool_;
  std::unique_ptr<llm::Model> model_;
  int positions_;
  llm::KvCache cache_;
  std::unique_ptr<llm::ForwardState> state_;
  std::vector<int32_t> pages_, ids_;
};

// Block types multiply in int8, plain types in f32: the peak that prefill is held against.
bool multiplies_in_int8(const ShowReport& show) {
  uint64_t plain = 0, blocks = 0;
  for (const TensorGroup& group : show.groups) {
    if (group.group != "attention" && group.group != "ffn") continue;
    for (const TypeShare& share : group.types)
      (share.type == "F32" || share.type == "F16" || share.type == "BF16" ? plain : blocks) +=
          share.bytes;
  }
  return blocks > plain;
}

double layer_parameters(const ShowReport& show) {
  double parameters = 0;
  for (const TensorGroup& group : show.groups)
    if (group.group == "attention" || group.group == "ffn")
      parameters += static_cast<double>(group.parameters);
  return parameters;
}

struct Measured {
  std::vector<double> prefill_tokens, prefill_gops, prefill_percent, peak_gops;
  std::vector<double> decode_tokens, decode_gb, decode_percent, peak_gb;
};

// Peak and speed in turn: what else runs on the machine then disturbs both alike.
void measure_prefill(Bench& bench, const BenchReport& report, bool int8, Measured& all) {
  const double peak_ops = int8 ? measure_int8_peak(bench.pool()) : measure_f32_peak(bench.pool());
  const double prefill = report.prompt_tokens / bench.prefill_seconds(report.prompt_tokens);
  const double ops = prefill * report.operations_per_token;
  all.prefill_tokens.push_back(prefill);
  all.prefill_gops.push_back(ops / 1e9);
  all.peak_gops.push_back(peak_ops / 1e9);
  all.prefill_percent.push_back(100 * ops / peak_ops);
}

// As many bytes of weights as of plain reading, every few tokens in turn: a neighbour on the host
// takes half of the bandwidth for a tenth of a second and then for a minute not.
void measure_decode(Bench& bench, const BenchReport& report, const InterruptWatch& watch,
                    Measured& all) {
  const auto token_bytes = static_cast<double>(report.bytes_per_token);
  const auto pass_bytes = static_cast<double>(ReadBandwidth::kBytes);
  const int turn_tokens = std::max(1, static_cast<int>(pass_bytes / token_bytes));
  ReadBandwidth bandwidth(bench.pool());
  double decode_s = 0, read_s = 0, read_bytes = 0;
  for (int begin = 0; begin < report.predict_tokens; begin += turn_tokens) {
    watch.check();
    const int end = std::min(begin + turn_tokens, report.predict_tokens);
    const auto started = Clock::now();
    bench.decode(begin, end);
    decode_s += seconds_since(started);
    while (read_bytes < end * token_bytes) {
      read_s += bandwidth.pass_seconds();
      read_bytes += pass_bytes;
    }
  }
  const double tokens_per_s = report.predict_tokens / decode_s;
  const double bytes_per_s = tokens_per_s * token_bytes, peak = read_bytes / read_s;
  all.decode_tokens.push_back(tokens_per_s);
  all.decode_gb.push_back(bytes_per_s / 1e9);
  all.peak_gb.push_back(peak / 1e9);
  all.decode_percent.push_back(100 * bytes_per_s / peak);
}

void summarise(const Measured& all, BenchReport& report) {
  report.prefill_tokens_per_s = spread_of(all.prefill_tokens);
  report.prefill_gops_per_s = spread_of(all.prefill_gops);
  report.prefill_percent_of_peak = spread_of(all.prefill_percent);
  report.peak_gops_per_s = spread_of(all.peak_gops);
  report.decode_tokens_per_s = spread_of(all.decode_tokens);
  report.decode_gb_per_s = spread_of(all.decode_gb);
  report.decode_percent_of_peak = spread_of(all.decode_percent);
  report.peak_gb_per_s = spread_of(all.peak_gb);
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  HEARTH_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

BenchReport run_bench(const fs::path& path, const BenchOptions& options) {
  const auto started = Clock::now();
  const formats::Gguf file = formats::Gguf::open(path);
  const ShowReport show = make_show_report(file, {});
  const int positions = std::max(options.prompt_tokens, options.predict_tokens);
  Bench bench(file, options.threads, positions);

  BenchReport report{.file = file.name(), .types = type_summary(show), .cpu = cpu::cpu_name()};
  report.load_seconds = seconds_since(started);
  const llm::ModelConfig& config = bench.model().config();
  report.architecture = config.architecture;
  report.threads = bench.pool().size();
  report.prompt_tokens = std::min(options.prompt_tokens, config.context_length);
  report.predict_tokens = std::min(options.predict_tokens, config.context_length);
  report.repetitions = options.repetitions;
  report.parameters = bench.model().parameters();
  report.bytes_per_token = bench.model().bytes_per_token();
  report.operations_per_token = 2 * layer_parameters(show);
  const bool int8 = multiplies_in_int8(show);
  report.peak_arithmetic = int8 ? "int8" : "f32";

  const InterruptWatch watch;
  ProgressBar progress("measuring");
  bench.prefill_seconds(report.prompt_tokens);  // the first pass brings the file into memory
  Measured all;
  for (int i = 0; i < options.repetitions; ++i) {
    progress.update(static_cast<uint64_t>(i), static_cast<uint64_t>(options.repetitions));
    watch.check();
    measure_prefill(bench, report, int8, all);
    measure_decode(bench, report, watch, all);
  }
  summarise(all, report);
  return report;
}

}  // namespace hearth::cli
