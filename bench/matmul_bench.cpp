// hearth-bench-matmul [TYPE...]: speed of the matrix products beside the machine's own peaks, as
// JSON lines.
//
// One token is bound by memory: GB/s of weights against the read bandwidth of the same seconds.
// Many tokens are bound by arithmetic: GOP/s (or GFLOP/s for the float types) against the peak of
// the same seconds.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "hearth/compute/peak.h"
#include "hearth/formats/tensor_type.h"
#include "hearth/llm/kernels/matmul.h"

namespace {

using namespace hearth;
using formats::TensorType;

struct Timing {
  double median_s, best_s;
};

// Repeats `body` for about half a second, after one call that warms up.
template <class F>
Timing time_calls(F body) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  body();
  std::vector<double> times;
  const auto start = Clock::now();
  do {
    const auto before = Clock::now();
    body();
    times.push_back(seconds(Clock::now() - before));
  } while (seconds(Clock::now() - start) < 0.5);
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times.front()};
}

// A matrix whose every byte is the same: all types read it as small finite values, and speed does
// not depend on them.
struct Weight {
  Weight(TensorType type, int rows, int cols)
      : bytes(rows * formats::row_bytes(type, cols), std::byte{0x2C}),
        matrix{type, rows, cols, bytes.data(), formats::row_bytes(type, cols)} {}
  std::vector<std::byte> bytes;
  llm::WeightMatrix matrix;
};

struct Case {
  int tokens, rows, cols;
};

void run_case(TensorType type, const Case& c, ThreadPool& pool) {
  const Weight weight(type, c.rows, c.cols);
  std::vector<float> x(size_t(c.tokens) * c.cols), out(size_t(c.tokens) * c.rows);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 17) - 8;
  llm::MatmulScratch scratch(pool.size(), c.tokens, c.cols);
  const llm::MatmulJob job{out.data(), size_t(c.rows), &weight.matrix};
  const bool is_float = formats::info(type).block_elems == 1;
  const double bandwidth = measure_read_bandwidth(pool);
  const double peak = is_float ? measure_f32_peak(pool) : measure_int8_peak(pool);
  const Timing t = time_calls([&] {
    llm::matmul({&job, 1}, x.data(), c.tokens, c.cols, scratch, pool);
  });
  const double bytes = static_cast<double>(weight.bytes.size());
  const double operations = 2.0 * c.tokens * c.rows * c.cols;
  fmt::print(R"({{"bench":"matmul","type":"{}","tokens":{},"rows":{},"cols":{},"threads":{},)"
             R"("seconds":{:.6f},"gb_per_s":{:.2f},"read_peak_gb_per_s":{:.2f},)"
             R"("percent_of_read_peak":{:.1f},"gop_per_s":{:.1f},"best_gop_per_s":{:.1f},)"
             R"("peak_gop_per_s":{:.1f},"percent_of_peak":{:.1f}}})"
             "\n",
             formats::info(type).name, c.tokens, c.rows, c.cols, pool.size(), t.median_s,
             bytes / t.median_s / 1e9, bandwidth / 1e9, 100 * bytes / t.median_s / bandwidth,
             operations / t.median_s / 1e9, operations / t.best_s / 1e9, peak / 1e9,
             100 * operations / t.median_s / peak);
  std::fflush(stdout);
}

std::vector<TensorType> chosen_types(int argc, char** argv) {
  std::vector<TensorType> types;
  for (int i = 1; i < argc; ++i) {
    const auto type = formats::try_tensor_type(std::string_view(argv[i]));
    if (!type) throw Error(Errc::invalid_argument, "type '{}' is not known", argv[i]);
    types.push_back(*type);
  }
  if (types.empty())
    for (const formats::TensorTypeInfo& info : formats::tensor_types())
      if (info.is_weight) types.push_back(info.type);
  return types;
}

}  // namespace

int main(int argc, char** argv) try {
  const char* threads = std::getenv("HEARTH_BENCH_THREADS");
  ThreadPool pool(threads ? std::atoi(threads) : 0);
  // The first two exceed the caches of this decade; the last is a layer's matrix, reused from cache
  // by 512 tokens.
  for (const TensorType type : chosen_types(argc, argv))
    for (const Case& c :
         {Case{1, 65536, 2048}, Case{8, 65536, 2048}, Case{512, 2048, 2048}, Case{512, 2048, 8192}})
      run_case(type, c, pool);
} catch (const std::exception& error) {
  std::fprintf(stderr, "hearth-bench-matmul: %s\n", error.what());
  return 1;
}
