#include "hearth/llm/kernels/layer_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "hearth/base/rng.h"

namespace hearth::llm {
namespace {

std::vector<float> random_values(size_t count, uint64_t seed, float mean = 0) {
  Rng rng(seed);
  std::vector<float> values(count);
  for (float& value : values) value = mean + rng.normal();
  return values;
}

TEST(LayerNorm, AgreesWithLongDouble) {
  ThreadPool pool(2);
  for (const int dim : {1, 2, 7, 16, 384, 1025}) {
    const int rows = 5;
    // A mean far from zero: what a norm without centring would get wrong.
    const auto x = random_values(size_t(rows) * dim, dim, 30);
    const auto weight = random_values(dim, 1, 1), bias = random_values(dim, 2);
    std::vector<float> out(x.size());
    layer_norm(out.data(), x.data(), weight.data(), bias.data(), rows, dim, 1e-5f, pool);
    for (int r = 0; r < rows; ++r) {
      long double mean = 0, variance = 0;
      for (int i = 0; i < dim; ++i) mean += x[r * dim + i];
      mean /= dim;
      for (int i = 0; i < dim; ++i) variance += (x[r * dim + i] - mean) * (x[r * dim + i] - mean);
      variance /= dim;
      for (int i = 0; i < dim; ++i) {
        const auto want = static_cast<double>(
            (x[r * dim + i] - mean) / std::sqrt(variance + 1e-5L) * weight[i] + bias[i]);
        // x and its mean are near 30, so their difference carries an error of 30 * 2^-23, which is
        // divided by the deviation (1, or sqrt(1e-5) where a row has one element).
        const double bound =
            (dim == 1 ? 30 / std::sqrt(1e-5) : 120) * 0x1p-23 * 4 * (1 + std::abs(weight[i]));
        EXPECT_NEAR(out[r * dim + i], want, bound) << "dim " << dim << " row " << r << " at " << i;
      }
    }
  }
}

TEST(LayerNorm, MayWriteOverItsInput) {
  ThreadPool pool(1);
  auto x = random_values(64, 3);
  const std::vector<float> ones(32, 1.0f), zeros(32, 0.0f);
  std::vector<float> out(64);
  layer_norm(out.data(), x.data(), ones.data(), zeros.data(), 2, 32, 1e-12f, pool);
  layer_norm(x.data(), x.data(), ones.data(), zeros.data(), 2, 32, 1e-12f, pool);
  EXPECT_EQ(x, out);
}

TEST(GeluErf, AgreesWithTheDistributionFunction) {
  ThreadPool pool(2);
  std::vector<float> x;
  for (int i = -600; i <= 600; ++i) x.push_back(static_cast<float>(i) / 100);
  const std::vector<float> before = x;
  gelu_erf(x.data(), x.size(), pool);
  for (size_t i = 0; i < x.size(); ++i) {
    const long double z = before[i];
    const auto want = static_cast<double>(z * std::erfc(-z / std::sqrt(2.0L)) / 2);
    // Far below zero 1 + erf cancels: an absolute error of |z| 2^-24 or so.
    EXPECT_NEAR(x[i], want, (1 + std::abs(want)) * 6 * 0x1p-23) << before[i];
  }
}

}  // namespace
}  // namespace hearth::llm
