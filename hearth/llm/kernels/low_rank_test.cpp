#include "hearth/llm/kernels/low_rank.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "hearth/llm/kernels/elementwise_impls.h"
#include "hearth/llm/kernels/kernel_testing.h"

namespace hearth::llm {
namespace {

struct Sizes {
  int tokens, rank, rows, cols;
};

// Ragged on purpose: none a multiple of the kernel's lanes or blocks, and some below one.
constexpr Sizes kSizes[] = {{1, 1, 1, 1}, {2, 3, 5, 31}, {3, 8, 513, 33}, {5, 33, 1100, 700}};

struct Halves {
  explicit Halves(const Sizes& s)
      : x(random_normal(size_t(s.tokens) * s.cols, 1)),
        a(random_normal(size_t(s.rank) * s.cols, 2)),
        b(random_normal(size_t(s.rank) * s.rows, 3)),
        update{.a = a.data(),
               .b = b.data(),
               .b_stride = size_t(s.rows),
               .rank = s.rank,
               .rows = s.rows,
               .cols = s.cols} {}

  std::vector<float> x, a, b;
  LowRankUpdate update;
};

std::vector<float> changed(const Halves& halves, const std::vector<float>& x, int tokens,
                           float scale, int threads) {
  ThreadPool pool(threads);
  std::vector<float> inner(size_t(tokens) * halves.update.rank);
  std::vector<float> out(size_t(tokens) * halves.update.rows, 1.0f);
  project_down(inner.data(), halves.update, x.data(), tokens, pool);
  add_projected_up(out.data(), halves.update.rows, halves.update, inner.data(), tokens, scale,
                   pool);
  return out;
}

TEST(LowRank, AgreesWithFloat64) {
  for (const Sizes& s : kSizes) {
    SCOPED_TRACE(s.cols);
    const Halves halves(s);
    const std::vector<float> out = changed(halves, halves.x, s.tokens, -0.5f, 2);
    for (int t = 0; t < s.tokens; ++t)
      for (int r = 0; r < s.rows; ++r) {
        double sum = 0, size = 1;
        for (int k = 0; k < s.rank; ++k)
          for (int c = 0; c < s.cols; ++c) {
            const double product = double{halves.b[size_t(k) * s.rows + r]} *
                                   halves.a[size_t(k) * s.cols + c] *
                                   halves.x[size_t(t) * s.cols + c];
            sum += product;
            size += std::abs(product);
          }
        // A lane adds cols / 32 products and five halvings follow, then rank of them: each rounds
        // by 2^-24 of what it holds, and products by as much.
        const double bound = size * (s.cols / 32 + s.rank + 10) * 0x1p-24;
        ASSERT_NEAR(out[size_t(t) * s.rows + r], 1 - 0.5 * sum, bound) << t << ", " << r;
      }
  }
}

TEST(LowRank, EveryImplementationAgreesWithFloat64) {
  for (const size_t count : {1, 7, 8, 15, 16, 17, 31, 63, 64, 65, 700}) {
    const auto a = random_normal(count, 4), b = random_normal(count, 5);
    double sum = 0, size = 0;
    for (size_t i = 0; i < count; ++i) {
      sum += double{a[i]} * b[i];
      size += std::abs(double{a[i]} * b[i]);
    }
    // At most count roundings, each by 2^-24 of a part of `size`.
    for (const auto& impl : runnable(dot_impls()))
      EXPECT_NEAR(impl.run(a.data(), b.data(), count), sum, size * double(count) * 0x1p-24)
          << impl.name << " of " << count;
    for (const auto& impl : runnable(add_multiple_impls())) {
      std::vector<float> x = a;
      impl.run(x.data(), b.data(), -0.75f, count);
      // Two roundings: of the product, and of the sum.
      for (size_t i = 0; i < count; ++i)
        EXPECT_NEAR(x[i], a[i] - 0.75 * b[i], (std::abs(a[i]) + std::abs(b[i])) * 0x1p-23)
            << impl.name << " of " << count;
    }
  }
}

TEST(LowRank, ARowHasTheSameBitsInEveryCompany) {
  for (const Sizes& s : kSizes) {
    SCOPED_TRACE(s.cols);
    const Halves halves(s);
    const std::vector<float> together = changed(halves, halves.x, s.tokens, 1, 3);
    for (int t = 0; t < s.tokens; ++t) {
      const std::vector<float> row(halves.x.begin() + std::ptrdiff_t{t} * s.cols,
                                   halves.x.begin() + std::ptrdiff_t{t + 1} * s.cols);
      const std::vector<float> alone = changed(halves, row, 1, 1, 1);
      EXPECT_TRUE(
          std::equal(alone.begin(), alone.end(), together.begin() + std::ptrdiff_t{t} * s.rows));
    }
  }
}

TEST(LowRank, RowsOfAFusedMatrixAreChangedAlone) {
  const Sizes s{1, 2, 6, 4};
  Halves halves(s);
  const std::vector<float> whole = changed(halves, halves.x, 1, 1, 1);
  halves.update.b += 2;
  halves.update.rows = 3;
  const std::vector<float> part = changed(halves, halves.x, 1, 1, 1);
  EXPECT_EQ(part, std::vector<float>(whole.begin() + 2, whole.begin() + 5));
}

}  // namespace
}  // namespace hearth::llm
