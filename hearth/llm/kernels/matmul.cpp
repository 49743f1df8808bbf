#include "hearth/llm/kernels/matmul.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "hearth/formats/quantize.h"
#include "hearth/llm/kernels/matmul_pieces.h"
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

void quantize(ActivationChunk* chunks, const float* x, int tokens, int cols, ThreadPool& pool) {
  const auto run = cpu::choose(quantize_activations_impls()).run;
  // Waking the others costs about what quantising 16 K values does.
  const size_t grain = std::max<size_t>(1, (size_t{16} << 10) / cols);
  pool.parallel_for(tokens, grain, [&](size_t begin, size_t end, int) {
    run({.chunks = chunks,
         .x = x,
         .tokens = tokens,
         .cols = cols,
         .begin = static_cast<int>(begin),
         .end = static_cast<int>(end)});
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
  if (quantized) quantize(buffers.chunks.get(), x, tokens, cols, pool);
  run_shared({.jobs = jobs,
              .x = x,
              .tokens = tokens,
              .cols = cols,
              .chunks = buffers.chunks.get(),
              .panels = buffers.panels.get()},
             pool);
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
