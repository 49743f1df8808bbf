// How attention is shared out: which tiles exist, which are split along positions, who merges.
#include "hearth/llm/kernels/attention.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>
#include <utility>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/llm/kernels/attention_tile.h"
#include "hearth/llm/kernels/parallel_ranges.h"

namespace hearth::llm {
namespace {

constexpr cpu::Impl<AttendFn> kAttendImpls[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = cpu::kAvx512, .run = attend_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = attend_avx2},
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = attend_scalar},
};
constexpr cpu::Impl<StoreRowFn> kStoreRowImpls[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = cpu::kAvx512, .run = store_row_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = store_row_avx2},
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = store_row_scalar},
};

// Positions of one range of a split tile: enough work (64 KiB of f16 keys and values of 64
// elements) to be worth a partial result, few enough that 64 threads find some at 2,048 positions.
constexpr int kRangePositions = 256;
constexpr int kRangesMax = 64;  // longer contexts take longer ranges
// Runs of up to this many tiles are split; longer ones have tiles enough for every thread.
constexpr int kSplitTilesMax = 4;
constexpr size_t kJobsMax = 1024;
constexpr size_t kItemsMax = 8192;
// Multiply-adds below which waking other threads costs more than it gains (about 10 us).
constexpr double kSharedWorkMin = 1e5;

// A tile and its share of the partial results.
struct Job {
  AttentionTile tile;
  float* out;         // the run's first token at the KV head's first query head
  size_t out_stride;  // elements from one token to the next
  float* partials;    // [ranges] of partial_elems() each
  int range_positions;
  int ranges;
  std::atomic<int> ranges_left;
};

struct Item {
  int job;
  int range;
};

size_t partial_elems(int rows, int head_dim_v) { return rows * (2 + padded_dim(head_dim_v)); }

PartialSoftmax partial_at(float* memory, int rows) {
  return {memory, memory + rows, memory + 2 * rows};
}

struct FreeDeleter {
  void operator()(void* p) const { std::free(p); }
};
using AlignedFloats = std::unique_ptr<float[], FreeDeleter>;

AlignedFloats make_floats(size_t count) {
  const size_t bytes = (count * sizeof(float) + 63) / 64 * 64;
  void* memory = std::aligned_alloc(64, bytes);
  if (!memory) throw std::bad_alloc();
  return AlignedFloats(static_cast<float*>(memory));
}

}  // namespace

struct AttentionScratch::Buffers {
  int heads;
  int head_dim_max;
  std::vector<AlignedFloats> thread_memory;
  std::vector<TileBuffers> threads;
  AlignedFloats partials;
  size_t partials_elems;
  size_t partials_used = 0;
  std::vector<Job> jobs;
  size_t jobs_used = 0;
  std::vector<Item> items;  // capacity kItemsMax
  AttendFn* attend = nullptr;
  double work = 0;  // multiply-adds of the items
};

AttentionScratch::AttentionScratch(int threads, int heads, int head_dim_max)
    : buffers_(std::make_unique<Buffers>()) {
  Buffers& b = *buffers_;
  b.heads = heads;
  b.head_dim_max = head_dim_max;
  const size_t dim = padded_dim(head_dim_max);
  for (int i = 0; i < threads; ++i) {
    float* at = b.thread_memory
                    .emplace_back(make_floats(2 * kBlockKeys * dim + 2 * kTileRows * dim +
                                              kScoreElems + 2 * kTileRows))
                    .get();
    TileBuffers& t = b.threads.emplace_back();
    const auto take = [&at](size_t count) { return std::exchange(at, at + count); };
    t.keys = take(kBlockKeys * dim);
    t.values = take(kBlockKeys * dim);
    t.queries = take(kTileRows * dim);
    t.scores = take(kScoreElems);
    t.partial = {take(kTileRows), take(kTileRows), take(kTileRows * dim)};
  }
  // Two tokens' worth: one decoded token never waits for a second round.
  b.partials_elems = 2 * kRangesMax * partial_elems(std::max(heads, kTileRows), head_dim_max);
  b.partials = make_floats(b.partials_elems);
  b.jobs = std::vector<Job>(kJobsMax);
  b.items.reserve(kItemsMax);
}

AttentionScratch::~AttentionScratch() = default;

namespace {

using Buffers = AttentionScratch::Buffers;

void write_row(const Job& job, int row, const float* acc, float sum) {
  const int r = job.tile.first_row + row;
  const int dim = job.tile.cache->head_dim_v;
  float* out =
      job.out + r / job.tile.group * job.out_stride + static_cast<size_t>(r % job.tile.group) * dim;
  const float inverse = 1 / sum;
  for (int d = 0; d < dim; ++d) out[d] = acc[d] * inverse;
}

// Ranges are merged in order of position whoever finished last: equal bits for any thread count.
void merge_ranges(const Job& job) {
  const int rows = job.tile.rows, dim_v = job.tile.cache->head_dim_v;
  const size_t elems = partial_elems(rows, dim_v), stride = padded_dim(dim_v);
  const PartialSoftmax first = partial_at(job.partials, rows);
  for (int row = 0; row < rows; ++row) {
    float max = first.max[row];
    for (int i = 1; i < job.ranges; ++i)
      max = std::max(max, partial_at(job.partials + i * elems, rows).max[row]);
    float* acc = first.acc + row * stride;
    const float weight = std::exp(first.max[row] - max);
    float sum = first.sum[row] * weight;
    for (int d = 0; d < dim_v; ++d) acc[d] *= weight;
    for (int i = 1; i < job.ranges; ++i) {
      const PartialSoftmax other = partial_at(job.partials + i * elems, rows);
      const float other_weight = std::exp(other.max[row] - max);
      const float* other_acc = other.acc + row * stride;
      sum += other.sum[row] * other_weight;
      for (int d = 0; d < dim_v; ++d) acc[d] += other_acc[d] * other_weight;
    }
    write_row(job, row, acc, sum);
  }
}

void run_item(AttendFn* attend, Job& job, int range, const TileBuffers& buffers) {
  const int rows = job.tile.rows, dim_v = job.tile.cache->head_dim_v;
  if (job.ranges == 1) {
    attend(job.tile, buffers, buffers.partial);
    for (int row = 0; row < rows; ++row)
      write_row(job, row, buffers.partial.acc + row * padded_dim(dim_v), buffers.partial.sum[row]);
    return;
  }
  // Boundaries are multiples of the range's length from position 0 on, so that they stay put while
  // a sequence grows.
  AttentionTile part = job.tile;
  const int first_range = job.tile.begin / job.range_positions;
  part.begin = std::max(part.begin, (first_range + range) * job.range_positions);
  part.end = std::min(part.end, (first_range + range + 1) * job.range_positions);
  attend(part, buffers, partial_at(job.partials + range * partial_elems(rows, dim_v), rows));
  if (job.ranges_left.fetch_sub(1, std::memory_order_acq_rel) == 1) merge_ranges(job);
}

void run_items(Buffers& b, ThreadPool& pool) {
  const auto run = [&](size_t begin, size_t end, int thread) {
    // Last first: in a prompt the later tiles look at more positions.
    for (size_t i = begin; i < end; ++i) {
      const Item item = b.items[b.items.size() - 1 - i];
      run_item(b.attend, b.jobs[item.job], item.range, b.threads[thread]);
    }
  };
  if (b.work < kSharedWorkMin)
    run(0, b.items.size(), 0);
  else
    pool.parallel_for(b.items.size(), 1, run);
  b.items.clear();
  b.jobs_used = 0;
  b.partials_used = 0;
  b.work = 0;
}

int ceil_div(int a, int b) { return (a + b - 1) / b; }

// Runs what is queued when `tile` would not fit beside it, then queues it.
void add_tile(Buffers& b, ThreadPool& pool, const AttentionTile& tile, bool split, float* out,
              size_t out_stride) {
  int range = tile.end, ranges = 1;
  if (split) {
    const int needed = ceil_div(tile.end - tile.begin, kRangesMax - 1);
    range = ceil_div(needed, kRangePositions) * kRangePositions;
    ranges = ceil_div(tile.end, range) - tile.begin / range;
  }
  const size_t elems = ranges * partial_elems(tile.rows, tile.cache->head_dim_v);
  if (b.jobs_used == kJobsMax || b.items.size() + ranges > kItemsMax ||
      (ranges > 1 && b.partials_used + elems > b.partials_elems))
    run_items(b, pool);
  Job& job = b.jobs[b.jobs_used];
  job.tile = tile;
  job.out = out;
  job.out_stride = out_stride;
  job.range_positions = range;
  job.ranges = ranges;
  job.ranges_left.store(ranges, std::memory_order_relaxed);
  job.partials = b.partials.get() + b.partials_used;
  if (ranges > 1) b.partials_used += elems;
  for (int i = 0; i < ranges; ++i) b.items.push_back({static_cast<int>(b.jobs_used), i});
  ++b.jobs_used;
  b.work += static_cast<double>(tile.end - tile.begin) * tile.rows *
            (tile.cache->head_dim_k + tile.cache->head_dim_v);
}

// Tokens of one sequence: same page table, positions that never fall. Equal ones are the tokens of
// an encoder, which all look at their text from its end.
size_t run_length(std::span<const TokenPlace> tokens) {
  size_t n = 1;
  while (n < tokens.size() && tokens[n].pages == tokens[0].pages &&
         tokens[n].position >= tokens[n - 1].position)
    ++n;
  return n;
}

void add_run(Buffers& b, ThreadPool& pool, float* out, const float* q, const KvLayer& cache,
             std::span<const TokenPlace> tokens, const AttentionShape& shape) {
  const int group = shape.heads / cache.kv_heads;
  const int rows = static_cast<int>(tokens.size()) * group;
  const size_t q_stride = static_cast<size_t>(shape.heads) * cache.head_dim_k;
  const size_t out_stride = static_cast<size_t>(shape.heads) * cache.head_dim_v;
  for (int row = 0; row < rows; row += kTileRows) {
    AttentionTile tile{.cache = &cache,
                       .pages = tokens[0].pages,
                       .group = group,
                       .q_stride = q_stride,
                       .places = tokens.data(),
                       .first_row = row,
                       .rows = std::min(kTileRows, rows - row),
                       .scale = shape.scale,
                       .softcap = shape.softcap,
                       .window = shape.window};
    tile.begin = tile.first_seen(0);
    tile.end = tile.position(tile.rows - 1) + 1;
    for (int head = 0; head < cache.kv_heads; ++head) {
      tile.kv_head = head;
      tile.q = q + static_cast<size_t>(head) * group * cache.head_dim_k;
      add_tile(b, pool, tile, rows <= kSplitTilesMax * kTileRows,
               out + static_cast<size_t>(head) * group * cache.head_dim_v, out_stride);
    }
  }
}

}  // namespace

std::span<const cpu::Impl<AttendFn>> attend_impls() { return kAttendImpls; }
std::span<const cpu::Impl<StoreRowFn>> store_row_impls() { return kStoreRowImpls; }

void attention_by(AttendFn* attend, float* out, const float* q, const KvLayer& cache,
                  std::span<const TokenPlace> tokens, const AttentionShape& shape,
                  AttentionScratch& scratch, ThreadPool& pool) {
  Buffers& b = scratch.buffers();
  b.attend = attend;
  HEARTH_CHECK(pool.size() <= static_cast<int>(b.threads.size()));
  HEARTH_CHECK(shape.heads <= b.heads && shape.heads % cache.kv_heads == 0);
  HEARTH_CHECK(std::max(cache.head_dim_k, cache.head_dim_v) <= b.head_dim_max);
  while (!tokens.empty()) {
    const size_t n = run_length(tokens);
    add_run(b, pool, out, q, cache, tokens.first(n), shape);
    q += n * shape.heads * cache.head_dim_k;
    out += n * shape.heads * cache.head_dim_v;
    tokens = tokens.subspan(n);
  }
  run_items(b, pool);
}

void attention(float* out, const float* q, const KvLayer& cache, std::span<const TokenPlace> tokens,
               const AttentionShape& shape, AttentionScratch& scratch, ThreadPool& pool) {
  static const auto& impl = cpu::choose(kAttendImpls);
  attention_by(impl.run, out, q, cache, tokens, shape, scratch, pool);
}

void store_kv(const KvLayer& cache, std::span<const TokenPlace> tokens, const float* k,
              const float* v, ThreadPool& pool) {
  static const auto& impl = cpu::choose(kStoreRowImpls);
  const auto store = [&](std::byte* base, const float* x, size_t token, int head, int dim) {
    const TokenPlace& place = tokens[token];
    const size_t page = place.pages[place.position / cache.page_tokens];
    const size_t row =
        (page * cache.kv_heads + head) * cache.page_tokens + place.position % cache.page_tokens;
    impl.run(x + (token * cache.kv_heads + head) * dim, dim, cache.type,
             base + row * kv_row_bytes(cache.type, dim));
  };
  const size_t elems = static_cast<size_t>(cache.kv_heads) * (cache.head_dim_k + cache.head_dim_v);
  for_ranges(pool, tokens.size(), elems, [&](size_t begin, size_t end) {
    for (size_t t = begin; t < end; ++t)
      for (int head = 0; head < cache.kv_heads; ++head) {
        store(cache.k, k, t, head, cache.head_dim_k);
        store(cache.v, v, t, head, cache.head_dim_v);
      }
  });
}

std::span<const cpu::KernelRow> attention_kernels() {
  static const std::vector<cpu::KernelRow> rows = [] {
    std::vector<cpu::KernelRow> all;
    for (const auto& impl : kAttendImpls) all.push_back({"attention", impl.name, impl.needs});
    for (const auto& impl : kStoreRowImpls) all.push_back({"store_kv", impl.name, impl.needs});
    return all;
  }();
  return rows;
}

}  // namespace hearth::llm
