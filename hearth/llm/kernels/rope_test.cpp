#include "hearth/llm/kernels/rope.h"

#include <gtest/gtest.h>

#include <cmath>

#include "hearth/llm/kernels/elementwise_impls.h"
#include "hearth/llm/kernels/kernel_testing.h"

namespace hearth::llm {
namespace {

RopeTable make_table(RopePairing pairing, int dim, float magnitude = 1) {
  RopeTable table{.pairing = pairing, .dim = dim, .inverse_freq = {}, .magnitude = magnitude};
  for (int i = 0; i < dim / 2; ++i)
    table.inverse_freq.push_back(static_cast<float>(std::pow(10000.0, -2.0 * i / dim)));
  return table;
}

/// The definition, with sine and cosine of long double angles.
std::vector<double> rope_f64(const std::vector<float>& x, std::span<const int32_t> positions,
                             int heads, int head_dim, const RopeTable& table) {
  std::vector<double> out(x.begin(), x.end());
  for (size_t t = 0; t < positions.size(); ++t)
    for (int h = 0; h < heads; ++h)
      for (int i = 0; i < table.dim / 2; ++i) {
        double* head = out.data() + (t * heads + h) * head_dim;
        const bool adjacent = table.pairing == RopePairing::adjacent;
        double& a = head[adjacent ? 2 * i : i];
        double& b = head[adjacent ? 2 * i + 1 : i + table.dim / 2];
        const long double angle = static_cast<long double>(positions[t]) * table.inverse_freq[i];
        const auto c = static_cast<double>(std::cos(angle)) * table.magnitude;
        const auto s = static_cast<double>(std::sin(angle)) * table.magnitude;
        const double x0 = a, x1 = b;
        a = x0 * c - x1 * s;
        b = x0 * s + x1 * c;
      }
  return out;
}

TEST(Rope, EveryImplementationAgreesWithFloat64) {
  const std::vector<int32_t> positions = {0, 1, 2, 3, 100, 4095, 131071, 1 << 20, 16777215};
  for (const auto& impl : runnable(rope_impls()))
    for (const RopePairing pairing : {RopePairing::adjacent, RopePairing::halves})
      for (const auto& [head_dim, dim] : {std::pair{2, 2},
                                          {8, 8},
                                          {10, 6},
                                          {64, 64},
                                          {80, 20},
                                          {96, 96},
                                          {100, 34},
                                          {128, 64},
                                          {1030, 1030}}) {
        SCOPED_TRACE(fmt::format("{} {} of {}", impl.name, dim, head_dim));
        const RopeTable table = make_table(pairing, dim, dim == 64 ? 1.25f : 1.0f);
        const auto x = random_normal(positions.size() * 3 * head_dim, dim);
        const auto expected = rope_f64(x, positions, 3, head_dim, table);
        auto out = x;
        impl.run(out.data(), positions, 3, head_dim, table);
        // Sine and cosine rounded to f32, two products and a sum of numbers up to 6.
        for (size_t i = 0; i < x.size(); ++i)
          ASSERT_NEAR(out[i], expected[i], 4 * 6 * table.magnitude * 0x1p-24) << "element " << i;
      }
}

TEST(Rope, ElementsBeyondTheRotatedOnesStay) {
  for (const auto& impl : runnable(rope_impls())) {
    const auto x = random_normal(2 * 24, 9);
    auto out = x;
    const std::vector<int32_t> positions = {5};
    impl.run(out.data(), positions, 2, 24, make_table(RopePairing::halves, 10));
    for (const int head : {0, 1})
      for (int i = 10; i < 24; ++i) EXPECT_EQ(out[head * 24 + i], x[head * 24 + i]) << impl.name;
  }
}

TEST(Rope, ThreadsDoNotMatter) {
  constexpr int kTokens = 200, kHeads = 6, kDim = 64;
  std::vector<int32_t> positions(kTokens);
  for (int t = 0; t < kTokens; ++t) positions[t] = 3 * t;
  const auto x = random_normal(kTokens * kHeads * kDim, 8);
  const RopeTable table = make_table(RopePairing::adjacent, kDim);
  ThreadPool one(1), three(3);
  auto alone = x, shared = x;
  rope(alone.data(), positions, kHeads, kDim, table, one);
  rope(shared.data(), positions, kHeads, kDim, table, three);
  EXPECT_EQ(alone, shared);
}

}  // namespace
}  // namespace hearth::llm
