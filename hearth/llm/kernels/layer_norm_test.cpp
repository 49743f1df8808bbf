#include "hearth/llm/kernels/layer_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "hearth/llm/kernels/elementwise_impls.h"
#include "hearth/llm/kernels/kernel_testing.h"

namespace hearth::llm {
namespace {

std::vector<float> around(float mean, std::vector<float> values) {
  for (float& value : values) value += mean;
  return values;
}

// In long double.
std::vector<double> expected_norm(std::span<const float> x, std::span<const float> weight,
                                  std::span<const float> bias, int dim, float eps) {
  std::vector<double> out;
  for (size_t first = 0; first < x.size(); first += dim) {
    const auto row = x.subspan(first, dim);
    long double mean = 0, variance = 0;
    for (const float value : row) mean += value;
    mean /= dim;
    for (const float value : row) variance += (value - mean) * (value - mean);
    variance /= dim;
    for (int i = 0; i < dim; ++i)
      out.push_back(
          static_cast<double>((row[i] - mean) / std::sqrt(variance + eps) * weight[i] + bias[i]));
  }
  return out;
}

TEST(LayerNorm, EveryImplementationAgreesWithLongDouble) {
  for (const auto& impl : runnable(layer_norm_impls()))
    for (const int dim : {1, 2, 7, 8, 15, 16, 17, 31, 384, 1025}) {
      const int rows = 5;
      // A mean far from zero: what a norm without centring would get wrong.
      const auto x = around(30, random_normal(size_t(rows) * dim, dim));
      const auto weight = around(1, random_normal(dim, 1)), bias = random_normal(dim, 2);
      std::vector<float> out(x.size());
      impl.run(out.data(), x.data(), weight.data(), bias.data(), rows, dim, 1e-5f);
      const auto expected = expected_norm(x, weight, bias, dim, 1e-5f);
      for (size_t i = 0; i < out.size(); ++i) {
        // x and its mean are near 30, so their difference carries an error of 30 * 2^-23, which is
        // divided by the deviation: sqrt(1e-5) where a row has one element, else above 1/4 here.
        const double deviation = dim == 1 ? std::sqrt(1e-5) : 0.25;
        const double bound = 30 / deviation * 0x1p-23 * 4 * (1 + std::abs(weight[i % dim]));
        ASSERT_NEAR(out[i], expected[i], bound) << impl.name << " dim " << dim << " at " << i;
      }
    }
}

TEST(LayerNorm, WorksInPlaceAndOnManyThreads) {
  constexpr int kRows = 100, kDim = 1000;
  const auto x = random_normal(kRows * kDim, 3), weight = random_normal(kDim, 4),
             bias = random_normal(kDim, 5);
  ThreadPool one(1), three(3);
  std::vector<float> alone(x.size()), shared = x;
  layer_norm(alone.data(), x.data(), weight.data(), bias.data(), kRows, kDim, 1e-12f, one);
  layer_norm(shared.data(), shared.data(), weight.data(), bias.data(), kRows, kDim, 1e-12f, three);
  EXPECT_EQ(alone, shared);
}

TEST(GeluErf, EveryImplementationAgreesWithTheDistributionFunction) {
  std::vector<float> z = {0.0f, -0.0f, 1e-30f, -1e-30f, 50, -50, 1000, -1000, 1e30f, -1e18f};
  for (int i = -14000; i <= 14000; ++i) z.push_back(static_cast<float>(i) / 1000);
  ASSERT_NE(z.size() % 8, 0u);  // so that a part of a vector is left
  for (const auto& impl : runnable(gelu_erf_impls())) {
    std::vector<float> out = z;
    impl.run(out.data(), out.size());
    for (size_t i = 0; i < z.size(); ++i) {
      const long double exact = z[i];
      const auto want = static_cast<double>(exact * std::erfc(-exact / std::sqrt(2.0L)) / 2);
      // Phi lies between 0 and 1: known to a few units of 2^-24, whether by a polynomial times an
      // exponential or by 1 + erf, which cancels below zero. One more rounding for the product.
      ASSERT_NEAR(out[i], want, std::abs(z[i]) * 0x1p-21) << impl.name << " of " << z[i];
    }
  }
}

TEST(GeluErf, KeepsInfinityAndWhatIsNoNumber) {
  for (const auto& impl : runnable(gelu_erf_impls())) {
    std::vector<float> x = {INFINITY, NAN};
    impl.run(x.data(), x.size());
    EXPECT_EQ(x[0], INFINITY) << impl.name;
    EXPECT_TRUE(std::isnan(x[1])) << impl.name;
  }
}

TEST(GeluErf, ThreadsAndPlacesDoNotMatter) {
  constexpr size_t kCount = 100003;
  const auto x = random_normal(kCount, 6);
  ThreadPool one(1), three(3);
  std::vector<float> alone = x, shared = x, shifted(x.begin() + 3, x.end());
  gelu_erf(alone.data(), kCount, one);
  gelu_erf(shared.data(), kCount, three);
  gelu_erf(shifted.data(), shifted.size(), one);
  EXPECT_EQ(alone, shared);
  EXPECT_TRUE(std::equal(shifted.begin(), shifted.end(), alone.begin() + 3));
}

}  // namespace
}  // namespace hearth::llm
