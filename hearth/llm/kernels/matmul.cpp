#include "hearth/llm/kernels/matmul.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <string>

#include "hearth/formats/quantize.h"
#include "hearth/llm/kernels/matmul_rows.h"

namespace hearth::llm {
namespace {

using formats::TensorType;

struct AlignedFree {
  void operator()(void* bytes) const { ::operator delete (bytes, std::align_val_t{64}); }
};
template <class T>
using AlignedArray = std::unique_ptr<T, AlignedFree>;

// Memory that nobody has touched yet costs nothing: the buffers may be as large as the largest
// call.
template <class T>
AlignedArray<T> allocate(size_t count) {
  return AlignedArray<T>(static_cast<T*>(
      ::operator new (std::max<size_t>(1, count) * sizeof(T), std::align_val_t{64})));
}

}  // namespace

struct MatmulScratch::Buffers {
  int threads, tokens_max, cols_max;
  AlignedArray<ActivationChunk> chunks;  // [chunk_count(cols), tokens] of the call
  AlignedArray<std::byte> panels;        // [threads, kPanelBytes]
};

MatmulScratch::MatmulScratch(int threads, int tokens_max, int cols_max)
    : buffers_(std::make_unique<Buffers>()) {
  HEARTH_CHECK(threads >= 1 && tokens_max >= 1 && cols_max >= 1);
  buffers_->threads = threads;
  buffers_->tokens_max = tokens_max;
  buffers_->cols_max = cols_max;
  buffers_->chunks = allocate<ActivationChunk>(size_t(tokens_max) * chunk_count(cols_max));
  buffers_->panels = allocate<std::byte>(threads * kPanelBytes);
  matmul_kernels();  // makes the tables now, so that no product allocates
}

MatmulScratch::~MatmulScratch() = default;

namespace {

// A fixed order for `hearth kernels`: as tensor_types() lists them.
struct TypeImpls {
  TensorType type;
  std::vector<MatmulRowsImpl> impls;
};

std::vector<TypeImpls> make_tables() {
  std::vector<TypeImpls> tables;
  for (const formats::TensorTypeInfo& row : formats::tensor_types()) {
    if (!row.is_weight) continue;
    TypeImpls& table = tables.emplace_back(TypeImpls{row.type, {}});
#if defined(__x86_64__)
    const bool is_float = multiplies_in_f32(row.type);
    table.impls.push_back({.name = is_float ? "avx512" : "avx512_vnni",
                           .needs = cpu::kAvx512 | (is_float ? cpu::kNone : cpu::kAvx512Vnni),
                           .run = matmul_rows_avx512(row.type),
                           .exact_tokens_max = kRowwiseTokensMax});
    table.impls.push_back({.name = "avx2",
                           .needs = cpu::kAvx2,
                           .run = matmul_rows_avx2(row.type),
                           .exact_tokens_max = kRowwiseTokensMax});
#endif
    table.impls.push_back({.name = "scalar",
                           .needs = cpu::kNone,
                           .run = matmul_rows_scalar(row.type),
                           .exact_tokens_max = std::numeric_limits<int>::max()});
  }
  return tables;
}

const std::vector<TypeImpls>& tables() {
  static const std::vector<TypeImpls> made = make_tables();
  return made;
}

// How a job is cut: ranges of rows, and for wide batches on many threads also ranges of tokens.
struct Cut {
  int rows, tokens;  // of one piece
  int row_pieces, token_pieces;
  int pieces() const { return row_pieces * token_pieces; }
};

int ceil_div(int a, int b) { return (a + b - 1) / b; }

// A piece should last some microseconds, so that taking it costs nothing, and there should be
// several per thread, so that uneven cores end together. A few tokens take several panels at once,
// because only the panels after the first find their weights in the cache.
Cut cut_job(const WeightMatrix& w, int tokens, int threads) {
  constexpr size_t kPieceBytes = 256 << 10;
  constexpr int kTokensPerPieceMin = 96, kPanelsPerPieceMin = 8;
  Cut cut{.rows = kPanelRows, .tokens = tokens, .row_pieces = 0, .token_pieces = 1};
  if (tokens <= 16) {
    const int panels =
        static_cast<int>(kPieceBytes / std::max<size_t>(1, kPanelRows * w.row_bytes));
    const int panels_fair = w.rows / (kPanelRows * 4 * threads);
    cut.rows *= std::clamp(tokens <= 4 ? panels : std::max(panels, kPanelsPerPieceMin), 1,
                           std::max(1, panels_fair));
  }
  cut.row_pieces = ceil_div(w.rows, cut.rows);
  if (cut.row_pieces < 4 * threads && tokens >= 2 * kTokensPerPieceMin) {
    cut.token_pieces = std::min(ceil_div(4 * threads, cut.row_pieces), tokens / kTokensPerPieceMin);
    cut.tokens = ceil_div(tokens, cut.token_pieces);
    cut.token_pieces = ceil_div(tokens, cut.tokens);
  }
  return cut;
}

// What all pieces of a call share.
struct Call {
  std::span<const MatmulJob> jobs;
  const float* x;
  int tokens, cols, threads;
  const ActivationChunk* chunks;
};

void run_piece(const Call& call, const MatmulJob& job, const Cut& cut, int piece,
               std::byte* panel) {
  const int row = piece / cut.token_pieces * cut.rows;
  const int token = piece % cut.token_pieces * cut.tokens;
  const MatmulRows rows{.weight = job.weight,
                        .row_begin = row,
                        .row_end = std::min(row + cut.rows, job.weight->rows),
                        .out = job.out + token * job.out_stride,
                        .out_stride = job.out_stride,
                        .tokens = std::min(cut.tokens, call.tokens - token),
                        .chunks = call.chunks + token,
                        .chunk_stride = static_cast<size_t>(call.tokens),
                        .x = call.x + static_cast<size_t>(token) * call.cols,
                        .panel = panel};
  cpu::choose(matmul_rows_impls(job.weight->type)).run(rows);
}

// Takes pieces of all jobs, in order, until none is left.
void run_pieces(const Call& call, std::atomic<int>& next, std::byte* panel) {
  int first = 0;  // piece number at which the current job begins
  size_t j = 0;
  Cut cut = cut_job(*call.jobs[0].weight, call.tokens, call.threads);
  while (true) {
    const int taken = next.fetch_add(1, std::memory_order_relaxed);
    while (taken - first >= cut.pieces()) {
      first += cut.pieces();
      if (++j == call.jobs.size()) return;
      cut = cut_job(*call.jobs[j].weight, call.tokens, call.threads);
    }
    run_piece(call, call.jobs[j], cut, taken - first, panel);
  }
}

void quantize(const Call& call, ActivationChunk* chunks, ThreadPool& pool) {
  const auto run = cpu::choose(quantize_activations_impls()).run;
  QuantizeActivations job{.chunks = chunks,
                          .x = call.x,
                          .tokens = call.tokens,
                          .cols = call.cols,
                          .begin = 0,
                          .end = call.tokens};
  // Waking the others costs about what quantising 16 K values does.
  const size_t grain = std::max<size_t>(1, (size_t{16} << 10) / call.cols);
  pool.parallel_for(call.tokens, grain, [&](size_t begin, size_t end, int) {
    QuantizeActivations part = job;
    part.begin = static_cast<int>(begin);
    part.end = static_cast<int>(end);
    run(part);
  });
}

}  // namespace

std::span<const MatmulRowsImpl> matmul_rows_impls(TensorType type) {
  for (const TypeImpls& table : tables())
    if (table.type == type) return table.impls;
  HEARTH_CHECK(!"matmul needs a weight type");
  return {};
}

int exact_tokens_max(TensorType type) {
  return cpu::choose(matmul_rows_impls(type)).exact_tokens_max;
}

void matmul(std::span<const MatmulJob> jobs, const float* x, int tokens, int cols,
            MatmulScratch& scratch, ThreadPool& pool) {
  MatmulScratch::Buffers& buffers = scratch.buffers();
  HEARTH_CHECK(tokens <= buffers.tokens_max && cols <= buffers.cols_max);
  HEARTH_CHECK(pool.size() <= buffers.threads);
  bool quantized = false;
  for (const MatmulJob& job : jobs) {
    HEARTH_CHECK(job.weight->cols == cols);
    quantized |= !multiplies_in_f32(job.weight->type);
  }
  if (jobs.empty() || tokens == 0) return;
  const Call call{jobs, x, tokens, cols, pool.size(), buffers.chunks.get()};
  if (quantized) quantize(call, buffers.chunks.get(), pool);
  std::atomic<int> next{0};
  pool.run(
      [&](int thread) { run_pieces(call, next, buffers.panels.get() + thread * kPanelBytes); });
}

void matmul_reference(float* out, const WeightMatrix& weight, const float* x, int tokens) {
  std::vector<float> row(weight.cols);
  for (int r = 0; r < weight.rows; ++r) {
    formats::dequantize_row(weight.type, weight.data + r * weight.row_bytes, row);
    for (int t = 0; t < tokens; ++t) {
      double sum = 0;
      for (int c = 0; c < weight.cols; ++c)
        sum += double{row[c]} * double{x[static_cast<size_t>(t) * weight.cols + c]};
      out[static_cast<size_t>(t) * weight.rows + r] = static_cast<float>(sum);
    }
  }
}

std::span<const cpu::KernelRow> matmul_kernels() {
  static const auto made = [] {
    std::pair<std::vector<std::string>, std::vector<cpu::KernelRow>> list;
    for (const TypeImpls& table : tables())
      list.first.push_back(fmt::format("matmul {}", formats::info(table.type).name));
    for (size_t i = 0; i < tables().size(); ++i)
      for (const auto& impl : tables()[i].impls)
        list.second.push_back({list.first[i], impl.name, impl.needs});
    return list;
  }();
  return made.second;
}

}  // namespace hearth::llm
