#include "hearth/llm/kernels/matmul_pieces.h"

#include <algorithm>
#include <atomic>

namespace hearth::llm {
namespace {

int ceil_div(int a, int b) { return (a + b - 1) / b; }

struct Range {
  int begin, end;
};

void run_rows(const MatmulCall& call, const MatmulJob& job, Range rows, Range tokens, int thread) {
  cpu::choose(matmul_rows_impls(job.weight->type))
      .run({.weight = job.weight,
            .row_begin = rows.begin,
            .row_end = rows.end,
            .out = job.out + tokens.begin * job.out_stride,
            .out_stride = job.out_stride,
            .tokens = tokens.end - tokens.begin,
            .chunks = call.chunks + tokens.begin,
            .chunk_stride = static_cast<size_t>(call.tokens),
            .x = call.x + static_cast<size_t>(tokens.begin) * call.cols,
            .panel = call.panels + thread * kPanelBytes});
}

// --- Few tokens: bound by memory, which is read fastest in long runs. -------------------------

// Rows of one unit of work: below a microsecond of memory bandwidth.
int unit_rows(const WeightMatrix& w) {
  constexpr size_t kUnitBytes = 16 << 10;
  return static_cast<int>(std::max<size_t>(1, kUnitBytes / std::max<size_t>(1, w.row_bytes)));
}

int unit_count(const WeightMatrix& w) { return ceil_div(w.rows, unit_rows(w)); }

// Units [begin, end) of all jobs in a row.
void run_units(const MatmulCall& call, Range units, int thread) {
  for (const MatmulJob& job : call.jobs) {
    const int count = unit_count(*job.weight), rows = unit_rows(*job.weight);
    const Range own{std::max(units.begin, 0), std::min(units.end, count)};
    if (own.begin < own.end)
      run_rows(call, job, {own.begin * rows, std::min(own.end * rows, job.weight->rows)},
               {0, call.tokens}, thread);
    units = {units.begin - count, units.end - count};
  }
}

// A thread takes a share of what is left: long runs at first, short ones at last, so that all
// threads end together however unequal they are.
void share_units(const MatmulCall& call, ThreadPool& pool) {
  int total = 0;
  for (const MatmulJob& job : call.jobs) total += unit_count(*job.weight);
  const int shares = 2 * pool.size();
  std::atomic<int> next{0};
  pool.share([&](int thread) {
    int begin = next.load(std::memory_order_relaxed);
    while (begin < total) {
      const int end = begin + std::max(1, (total - begin) / shares);
      if (!next.compare_exchange_weak(begin, end, std::memory_order_relaxed)) continue;
      run_units(call, {begin, end}, thread);
      begin = next.load(std::memory_order_relaxed);
    }
  });
}

// --- Many tokens: panels of rows, each unpacked once for all tokens of a piece. ---------------

// How a job is cut: ranges of rows, and for wide batches on many threads also ranges of tokens.
struct Cut {
  int rows;  // of one piece
  int row_pieces, token_pieces;
  int pieces() const { return row_pieces * token_pieces; }
};

// There should be several pieces per thread, so that uneven cores end together. A few tokens take
// several panels at once, because only the panels after the first find their weights in the cache.
Cut cut_job(const WeightMatrix& w, int tokens, int threads) {
  constexpr size_t kPieceBytes = 256 << 10;
  constexpr int kTokensPerPieceMin = 96, kPanelsPerPieceMin = 8;
  Cut cut{.rows = kPanelRows, .row_pieces = 0, .token_pieces = 1};
  if (tokens <= 16) {
    const auto panels =
        static_cast<int>(kPieceBytes / std::max<size_t>(1, kPanelRows * w.row_bytes));
    const int panels_fair = w.rows / (kPanelRows * 4 * threads);
    cut.rows *= std::clamp(std::max(panels, kPanelsPerPieceMin), 1, std::max(1, panels_fair));
  }
  cut.row_pieces = ceil_div(w.rows, cut.rows);
  if (cut.row_pieces < 4 * threads && tokens >= 2 * kTokensPerPieceMin)
    cut.token_pieces = std::min(ceil_div(4 * threads, cut.row_pieces), tokens / kTokensPerPieceMin);
  return cut;
}

void run_piece(const MatmulCall& call, const MatmulJob& job, const Cut& cut, int piece,
               int thread) {
  const int row = piece / cut.token_pieces * cut.rows, part = piece % cut.token_pieces;
  const auto first_token = [&](int i) {
    return static_cast<int>(int64_t{call.tokens} * i / cut.token_pieces);
  };
  run_rows(call, job, {row, std::min(row + cut.rows, job.weight->rows)},
           {first_token(part), first_token(part + 1)}, thread);
}

// Threads take pieces of all jobs, in order, until none is left.
void share_pieces(const MatmulCall& call, ThreadPool& pool) {
  std::atomic<int> next{0};
  pool.share([&](int thread) {
    int first = 0;  // piece number at which the current job begins
    size_t j = 0;
    Cut cut = cut_job(*call.jobs[0].weight, call.tokens, pool.size());
    while (true) {
      const int taken = next.fetch_add(1, std::memory_order_relaxed);
      while (taken - first >= cut.pieces()) {
        first += cut.pieces();
        if (++j == call.jobs.size()) return;
        cut = cut_job(*call.jobs[j].weight, call.tokens, pool.size());
      }
      run_piece(call, call.jobs[j], cut, taken - first, thread);
    }
  });
}

}  // namespace

void run_shared(const MatmulCall& call, ThreadPool& pool) {
  if (call.tokens <= kRowwiseTokensMax) return share_units(call, pool);
  share_pieces(call, pool);
}

}  // namespace hearth::llm
