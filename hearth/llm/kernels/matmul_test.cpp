#include "hearth/llm/kernels/matmul.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "hearth/formats/quantize.h"
#include "hearth/llm/kernels/matmul_rows.h"
#include "hearth/llm/kernels/random_weights.h"

namespace hearth::llm {
namespace {

using formats::TensorType;

std::vector<TensorType> weight_types() {
  std::vector<TensorType> types;
  for (const formats::TensorTypeInfo& info : formats::tensor_types())
    if (info.is_weight) types.push_back(info.type);
  return types;
}

// Runs every implementation of every weight type that this CPU has.
template <class Body>
void for_each_implementation(Body body) {
  for (const TensorType type : weight_types())
    for (const auto& impl : matmul_rows_impls(type)) {
      if ((impl.needs & ~cpu::detected_features()) != 0) continue;
      SCOPED_TRACE(fmt::format("{} {}", formats::info(type).name, impl.name));
      body(type, impl.run);
    }
}

// What one implementation is given, with x as it sees it: quantised, or as it is.
struct Input {
  Input(TensorType type, int tokens_, int cols_, uint64_t seed) : tokens(tokens_), cols(cols_) {
    x = random_normal(size_t(tokens) * cols, seed);
    chunks.resize(size_t(chunk_count(cols)) * tokens);
    quantize_activations_scalar({chunks.data(), x.data(), tokens, cols, 0, tokens});
    seen.assign(x.begin(), x.end());
    if (multiplies_in_f32(type)) return;
    for (size_t i = 0; i < seen.size(); ++i) {
      const ActivationChunk& chunk = chunks[i % cols / 256 * tokens + i / cols];
      const int e = static_cast<int>(i % cols % 256);
      seen[i] = double{chunk.scale[lane_slot(e / 16)]} * chunk.q[e];
    }
  }

  // `count` tokens from `first` on.
  Input only(int first, int count) const {
    Input part = *this;
    part.tokens = count;
    const size_t begin = size_t(first) * cols, end = begin + size_t(count) * cols;
    part.x.assign(x.begin() + begin, x.begin() + end);
    part.seen.assign(seen.begin() + begin, seen.begin() + end);
    part.chunks.clear();
    for (int c = 0; c < chunk_count(cols); ++c)
      for (int t = first; t < first + count; ++t)
        part.chunks.push_back(chunks[size_t(c) * tokens + t]);
    return part;
  }

  int tokens, cols;
  std::vector<float> x;
  std::vector<double> seen;  // [tokens, cols]
  std::vector<ActivationChunk> chunks;
};

struct alignas(64) Panel {
  std::byte bytes[kPanelBytes];
};

// out [tokens, stride], all rows of the matrix.
std::vector<float> run_rows(MatmulRowsFn* run, const WeightMatrix& w, const Input& in, int stride) {
  std::vector<float> out(size_t(in.tokens) * stride, -77.0f);
  const auto panel = std::make_unique<Panel>();
  run({.weight = &w,
       .row_begin = 0,
       .row_end = w.rows,
       .out = out.data(),
       .out_stride = size_t(stride),
       .tokens = in.tokens,
       .chunks = in.chunks.data(),
       .chunk_stride = size_t(in.tokens),
       .x = in.x.data(),
       .panel = panel->bytes});
  return out;
}

// Holds `out` against sums in f64 of the values that the implementation was given. What remains is
// f32 rounding: fewer than cols / 16 + 32 additions and multiplications one after another (cols for
// the portable f32 loop is less: eight chains), each off by 2^-24 of a partial sum, and no partial
// sum exceeds 4 max|w| sum|x|: unsigned quants and their offset reach 3.7 times the largest weight
// (Q3_K).
void expect_exact_but_for_rounding(const std::vector<float>& out, const WeightMatrix& w,
                                   const Input& in, int stride) {
  std::vector<float> row(w.cols);
  for (int r = 0; r < w.rows; ++r) {
    formats::dequantize_row(w.type, w.data + r * w.row_bytes, row);
    double largest = 0;
    for (const float value : row) largest = std::max(largest, std::fabs(double{value}));
    for (int t = 0; t < in.tokens; ++t) {
      double expected = 0, size = 0;
      for (int c = 0; c < w.cols; ++c) {
        expected += row[c] * in.seen[size_t(t) * w.cols + c];
        size += std::fabs(in.seen[size_t(t) * w.cols + c]);
      }
      const double bound = (w.cols / 16 + 32) * 0x1p-24 * 4 * largest * size;
      ASSERT_NEAR(out[size_t(t) * stride + r], expected, bound) << "row " << r << " token " << t;
    }
    for (int t = 0; t < in.tokens; ++t)
      for (int pad = w.rows; pad < stride; ++pad)
        ASSERT_EQ(out[size_t(t) * stride + pad], -77.0f) << "written past the rows";
  }
}

TEST(Matmul, EveryImplementationIsExactButForRoundingAtRaggedSizes) {
  struct Size {
    int rows, blocks, tokens;  // blocks of 32 columns
  };
  for_each_implementation([](TensorType type, MatmulRowsFn* run) {
    for (const Size size : {Size{1, 1, 1},
                            {3, 2, 2},
                            {16, 9, 3},
                            {33, 8, 1},
                            {45, 24, 4},
                            {31, 17, 5},
                            {64, 8, 6},
                            {7, 40, 7},
                            {40, 33, 13},
                            {5, 3, 30}}) {
      const int block = static_cast<int>(formats::info(type).block_elems);
      const int cols = block == 256  ? 256 * ((size.blocks + 7) / 8)
                       : block == 32 ? 32 * size.blocks
                                     : 32 * size.blocks + size.rows % 16;
      SCOPED_TRACE(fmt::format("{} x {} times {}", size.rows, cols, size.tokens));
      const Input in(type, size.tokens, cols, size.rows);
      const auto w = make_weights({.type = type, .rows = size.rows, .cols = cols, .seed = 3});
      const int stride = size.rows + 5;
      expect_exact_but_for_rounding(run_rows(run, w.matrix, in, stride), w.matrix, in, stride);
    }
  });
}

// Bytes that make every quant of a type its smallest and its largest.
std::pair<int, int> extreme_fills(TensorType type) {
  if (type == TensorType::q8_0) return {0x80, 0x7F};
  if (type == TensorType::mxfp4) return {0xFF, 0x77};
  return {0x00, 0xFF};
}

TEST(Matmul, ExtremeQuantsAndScalesAreExactButForRounding) {
  for_each_implementation([](TensorType type, MatmulRowsFn* run) {
    if (multiplies_in_f32(type)) return;
    const auto [smallest, largest] = extreme_fills(type);
    for (const int fill : {smallest, largest})
      // Halves from subnormal to their maximum.
      for (const float scale : {0x1p-17f, 1.0f, 60000.0f})
        for (const int tokens : {1, 3, 14}) {
          SCOPED_TRACE(fmt::format("fill {} scale {} tokens {}", fill, scale, tokens));
          const Input in(type, tokens, 512, 5);
          const auto w = make_weights(
              {.type = type, .rows = 18, .cols = 512, .seed = 4, .scale = scale, .fill = fill});
          expect_exact_but_for_rounding(run_rows(run, w.matrix, in, 18), w.matrix, in, 18);
        }
  });
}

TEST(Matmul, TheLargestIntegersDoNotOverflow) {
  // Q8_0 with every quant -128, activations all of one size and sign: q = 127, so that each block
  // of 32 sums to -128 * 127 * 32, and pairs of products to -32512.
  for (const auto& impl : matmul_rows_impls(TensorType::q8_0)) {
    if ((impl.needs & ~cpu::detected_features()) != 0) continue;
    SCOPED_TRACE(impl.name);
    for (const int tokens : {1, 2, 8}) {
      auto w = make_weights({.type = TensorType::q8_0, .rows = 20, .cols = 320, .fill = 0x80});
      const uint16_t one = formats::f32_to_f16(1);
      for (size_t at = 0; at < w.bytes.size(); at += 34) std::memcpy(&w.bytes[at], &one, 2);
      Input in(TensorType::q8_0, tokens, 320, 1);
      std::fill(in.x.begin(), in.x.end(), 127.0f);
      quantize_activations_scalar({in.chunks.data(), in.x.data(), tokens, 320, 0, tokens});
      for (const float value : run_rows(impl.run, w.matrix, in, 20))
        EXPECT_EQ(value, -128.0f * 127 * 320);  // 5201920 < 2^24: exact
    }
  }
}

// The last byte of the weights is the last of a page, and the next page may not be read.
TEST(Matmul, NothingIsReadPastTheWeights) {
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE)), room = 64 * page;
  auto* memory = static_cast<std::byte*>(
      ::mmap(nullptr, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(::mprotect(memory + room, page, PROT_NONE), 0);
  for_each_implementation([&](TensorType type, MatmulRowsFn* run) {
    const int block = static_cast<int>(formats::info(type).block_elems);
    for (const int cols : {256, block == 256 ? 512 : 288 + (block == 1)})
      for (const int tokens : {1, 9, 20}) {
        auto w = make_weights({.type = type, .rows = 19, .cols = cols});
        ASSERT_LE(w.bytes.size(), room);
        std::byte* end_at = memory + room - w.bytes.size();
        std::memcpy(end_at, w.bytes.data(), w.bytes.size());
        w.matrix.data = end_at;
        const Input in(type, tokens, cols, 6);
        expect_exact_but_for_rounding(run_rows(run, w.matrix, in, 19), w.matrix, in, 19);
      }
  });
  ::munmap(memory, room + page);
}

TEST(Matmul, QuantisingActivationsCostsLessThanItsBound) {
  const int rows = 40, cols = 768, tokens = 9;
  const auto x = random_normal(size_t(tokens) * cols, 8);
  for (const TensorType type : weight_types()) {
    SCOPED_TRACE(formats::info(type).name);
    const auto w = make_weights({.type = type, .rows = rows, .cols = cols});
    std::vector<float> out(tokens * rows), expected(tokens * rows);
    matmul_reference(expected.data(), w.matrix, x.data(), tokens);
    ThreadPool pool(2);
    MatmulScratch scratch(2, tokens, cols);
    const MatmulJob job{out.data(), size_t(rows), &w.matrix};
    matmul({&job, 1}, x.data(), tokens, cols, scratch, pool);
    double error = 0, size = 0;
    for (size_t i = 0; i < out.size(); ++i) {
      error += std::pow(double{out[i]} - expected[i], 2);
      size += std::pow(double{expected[i]}, 2);
    }
    // A step is max|x| / 127, and the largest of 32 normal values is 2.1 to 2.5 on average (below 4
    // hardly ever): steps of 0.0165 to 0.02 with a uniform error, whose deviation is step /
    // sqrt(12).
    EXPECT_LT(std::sqrt(error / size), multiplies_in_f32(type) ? 1e-6 : 0.0075);
  }
}

TEST(Matmul, ThreadsAndCompanionsDoNotChangeABit) {
  const int cols = 512;
  for (const int tokens : {1, 4, 70, 200}) {
    const auto x = random_normal(size_t(tokens) * cols, 9);
    std::vector<OwnedWeight> weights;
    for (const TensorType type : {TensorType::q4_k, TensorType::q6_k, TensorType::f16})
      weights.push_back(make_weights({.type = type, .rows = 150, .cols = cols}));
    std::set<std::vector<float>> results;
    for (const int threads : {1, 2, 3}) {
      ThreadPool pool(threads);
      MatmulScratch scratch(threads, tokens, cols);
      std::vector<float> together(3 * size_t(tokens) * 150), alone(together.size());
      std::vector<MatmulJob> jobs, single;
      for (size_t i = 0; i < 3; ++i) {
        jobs.push_back({together.data() + i * 150, 450, &weights[i].matrix});
        single.push_back({alone.data() + i * 150, 450, &weights[i].matrix});
      }
      matmul(jobs, x.data(), tokens, cols, scratch, pool);
      for (const MatmulJob& job : single) matmul({&job, 1}, x.data(), tokens, cols, scratch, pool);
      results.insert(together);
      results.insert(alone);
    }
    EXPECT_EQ(results.size(), 1u) << tokens << " tokens";
  }
}

TEST(Matmul, ARowHasTheSameBitsAloneAndInCallsUpToTheStatedCount) {
  constexpr int kTokens = 20;  // beyond every many-token path
  constexpr int kRows = 45;
  for (const TensorType type : weight_types())
    for (const auto& impl : matmul_rows_impls(type)) {
      if ((impl.needs & ~cpu::detected_features()) != 0) continue;
      for (const int cols : {256, formats::info(type).block_elems == 256 ? 1536 : 1376}) {
        const auto w = make_weights({.type = type, .rows = kRows, .cols = cols, .seed = 12});
        const Input all(type, kTokens, cols, 13);
        std::vector<float> alone;
        for (int t = 0; t < kTokens; ++t) {
          const auto row = run_rows(impl.run, w.matrix, all.only(t, 1), kRows);
          alone.insert(alone.end(), row.begin(), row.end());
        }
        ASSERT_GE(impl.exact_tokens_max, 1);
        for (int n = 2; n <= std::min(kTokens, impl.exact_tokens_max); ++n) {
          const auto together = run_rows(impl.run, w.matrix, all.only(0, n), kRows);
          EXPECT_TRUE(std::equal(together.begin(), together.end(), alone.begin()))
              << formats::info(type).name << ' ' << impl.name << " in a call of " << n;
        }
      }
    }
}

TEST(Matmul, TheStatedCountIsThatOfTheImplementationThatRuns) {
  for (const TensorType type : weight_types()) {
    const bool is_scalar = cpu::choose(matmul_rows_impls(type)).name == "scalar";
    if (is_scalar)
      EXPECT_GE(exact_tokens_max(type), 1 << 20);
    else
      EXPECT_EQ(exact_tokens_max(type), 4);
  }
}

TEST(Matmul, NothingToDoIsFine) {
  ThreadPool pool(2);
  MatmulScratch scratch(2, 1, 32);
  const auto w = make_weights({.type = TensorType::q4_0, .rows = 4, .cols = 32});
  float out[4] = {-1, -1, -1, -1}, x[32] = {};
  const MatmulJob job{out, 4, &w.matrix};
  matmul({}, x, 1, 32, scratch, pool);
  matmul({&job, 1}, x, 0, 32, scratch, pool);
  EXPECT_EQ(out[0], -1);
  matmul({&job, 1}, x, 1, 32, scratch, pool);
  EXPECT_EQ(out[3], 0);
}

TEST(Matmul, EveryWeightTypeIsListedAndEndsWithAnImplementationThatRunsAnywhere) {
  std::set<std::string_view> kernels;
  for (const cpu::KernelRow& row : matmul_kernels()) kernels.insert(row.kernel);
  EXPECT_EQ(kernels.size(), weight_types().size());
  EXPECT_TRUE(kernels.contains("matmul Q4_K"));
  for (const TensorType type : weight_types())
    EXPECT_EQ(matmul_rows_impls(type).back().needs, cpu::kNone);
}

}  // namespace
}  // namespace hearth::llm
