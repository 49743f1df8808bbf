// hearth-bench-attention: speed of attention over a paged cache beside the machine's own peaks, as
// JSON lines.
//
// One token is bound by memory: GB/s of keys and values against the read bandwidth of the same
// seconds. A prompt is bound by arithmetic: GFLOP/s of the scores and weighted sums that the causal
// mask leaves, against the f32 peak of the same seconds. HEARTH_CPU forces an implementation,
// HEARTH_BENCH_THREADS the number of threads.
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <vector>

#include "hearth/base/rng.h"
#include "hearth/compute/peak.h"
#include "hearth/llm/kernels/attention.h"

namespace {

using namespace hearth;
using llm::KvType;

constexpr int kPageTokens = 32;

struct Case {
  int heads, kv_heads, head_dim;
  KvType type;
  int context;  // positions before the last token, itself included
  int tokens;   // 1: decode; more: a piece of a prompt that ends at `context`
};

const char* type_name(KvType type) {
  return type == KvType::f32 ? "f32" : type == KvType::f16 ? "f16" : "q8_0";
}

/// Keys or values of several layers in huge pages, as the engine's cache has them.
class Memory {
 public:
  explicit Memory(size_t bytes) : bytes_(bytes) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
      throw Error(Errc::resource_exhausted, "no memory for {} bytes", bytes);
    madvise(memory, bytes, MADV_HUGEPAGE);
    data_ = static_cast<std::byte*>(memory);
  }
  ~Memory() { munmap(data_, bytes_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  std::byte* data() { return data_; }

 private:
  std::byte* data_;
  size_t bytes_;
};

/// Enough layers that none is still in a cache when its turn comes again.
struct Layers {
  explicit Layers(const Case& c)
      : layer_bytes(size_t(c.context + kPageTokens) / kPageTokens * kPageTokens * c.kv_heads *
                    llm::kv_row_bytes(c.type, c.head_dim)),
        count(static_cast<int>(std::clamp<size_t>((256 << 20) / (2 * layer_bytes), 4, 64))),
        memory(2 * count * layer_bytes) {
    for (int l = 0; l < count; ++l) fill(c, l);
  }

  llm::KvLayer layer(const Case& c, int index) {
    std::byte* k = memory.data() + 2 * index * layer_bytes;
    return {k, k + layer_bytes, c.type, c.kv_heads, kPageTokens, c.head_dim, c.head_dim};
  }

  void fill(const Case& c, int index) {
    const std::vector<float> rows(size_t(c.kv_heads) * c.head_dim, 0.25f);
    std::vector<int32_t> table(c.context / kPageTokens + 1);
    std::iota(table.begin(), table.end(), 0);
    ThreadPool one(1);
    for (int p = 0; p < c.context; ++p) {
      const llm::TokenPlace place{p, table.data()};
      llm::store_kv(layer(c, index), {&place, 1}, rows.data(), rows.data(), one);
    }
  }

  size_t layer_bytes;
  int count;
  Memory memory;
};

double seconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

/// Median seconds of a call, over about a second of calls that go round the layers.
double time_layers(const Case& c, Layers& layers, ThreadPool& pool) {
  using Clock = std::chrono::steady_clock;
  std::vector<int32_t> table(c.context / kPageTokens + 1);
  std::iota(table.begin(), table.end(), 0);
  std::vector<llm::TokenPlace> places;
  for (int t = 0; t < c.tokens; ++t) places.push_back({c.context - c.tokens + t, table.data()});
  std::vector<float> q(size_t(c.tokens) * c.heads * c.head_dim), out(q.size());
  Rng rng(1);
  for (float& x : q) x = rng.normal();
  llm::AttentionScratch scratch(pool.size(), c.heads, c.head_dim);
  const llm::AttentionShape shape{.heads = c.heads, .scale = 1 / std::sqrt(float(c.head_dim))};
  std::vector<double> times;
  const auto start = Clock::now();
  for (int i = 0; i < layers.count || seconds(Clock::now() - start) < 1; ++i) {
    const auto before = Clock::now();
    llm::attention(out.data(), q.data(), layers.layer(c, i % layers.count), places, shape, scratch,
                   pool);
    times.push_back(seconds(Clock::now() - before));
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

void run_case(const Case& c, ThreadPool& pool) {
  Layers layers(c);
  const double bandwidth = measure_read_bandwidth(pool), peak = measure_f32_peak(pool);
  const double t = time_layers(c, layers, pool);
  const double bytes = 2.0 * c.context * c.kv_heads * llm::kv_row_bytes(c.type, c.head_dim);
  const double seen = c.tokens * (c.context - (c.tokens - 1) / 2.0);  // positions, over all tokens
  const double operations = 4.0 * seen * c.heads * c.head_dim;
  fmt::print(
      R"({{"bench":"attention","heads":{},"kv_heads":{},"head_dim":{},"kv_type":"{}","context":{},)"
      R"("tokens":{},"threads":{},"seconds":{:.7f},"gb_per_s":{:.2f},"read_peak_gb_per_s":{:.2f},)"
      R"("percent_of_read_peak":{:.1f},"gflop_per_s":{:.1f},"peak_gflop_per_s":{:.1f},)"
      R"("percent_of_peak":{:.1f}}})"
      "\n",
      c.heads, c.kv_heads, c.head_dim, type_name(c.type), c.context, c.tokens, pool.size(), t,
      bytes / t / 1e9, bandwidth / 1e9, 100 * bytes / t / bandwidth, operations / t / 1e9,
      peak / 1e9, 100 * operations / t / peak);
  std::fflush(stdout);
}

}  // namespace

int main() try {
  const char* threads = std::getenv("HEARTH_BENCH_THREADS");
  ThreadPool pool(threads ? std::atoi(threads) : 0);
  for (const KvType type : {KvType::f16, KvType::q8_0, KvType::f32})
    for (const int context : {2048, 8192}) run_case({32, 8, 64, type, context, 1}, pool);
  run_case({32, 8, 128, KvType::f16, 8192, 1}, pool);   // llama 3 8B
  run_case({32, 32, 128, KvType::f16, 2048, 1}, pool);  // llama 2 7B: nothing is shared
  run_case({14, 2, 64, KvType::f16, 8192, 1}, pool);    // qwen 2.5 0.5B: groups of seven
  for (const int context : {512, 2048, 8192})
    run_case({32, 8, 64, KvType::f16, context, 512}, pool);
  run_case({32, 8, 128, KvType::f16, 2048, 512}, pool);
} catch (const std::exception& error) {
  std::fprintf(stderr, "hearth-bench-attention: %s\n", error.what());
  return 1;
}
