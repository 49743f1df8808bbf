#include "hearth/llm/kernels/rms_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "hearth/llm/kernels/elementwise_impls.h"
#include "hearth/llm/kernels/kernel_testing.h"

namespace hearth::llm {
namespace {

TEST(RmsNorm, EveryImplementationAgreesWithFloat64) {
  for (const auto& impl : runnable(rms_norm_impls()))
    for (const int dim : {1, 7, 8, 15, 16, 17, 63, 64, 65, 288, 4096}) {
      SCOPED_TRACE(fmt::format("{} dim={}", impl.name, dim));
      const auto x = random_normal(3 * dim, dim), weight = random_normal(dim, 1);
      std::vector<float> out(x.size());
      impl.run(out.data(), x.data(), weight.data(), 3, dim, 1e-5f);
      for (int r = 0; r < 3; ++r) {
        double sum = 0;
        for (int i = 0; i < dim; ++i) sum += double(x[r * dim + i]) * x[r * dim + i];
        const double factor = 1 / std::sqrt(sum / dim + 1e-5f);
        // f32 sums of dim squares: relative error below dim * 2^-24, halved by the root; three
        // roundings after it.
        const double bound = (dim / 2.0 + 4) * 0x1p-24;
        for (int i = 0; i < dim; ++i) {
          const double expected = x[r * dim + i] * factor * weight[i];
          ASSERT_NEAR(out[r * dim + i], expected, bound * std::fabs(expected)) << r << ", " << i;
        }
      }
    }
}

TEST(RmsNorm, WorksInPlaceAndOnManyThreads) {
  constexpr int kRows = 100, kDim = 1000;
  const auto x = random_normal(kRows * kDim, 4), weight = random_normal(kDim, 5);
  ThreadPool one(1), three(3);
  std::vector<float> alone(x.size()), shared = x;
  rms_norm(alone.data(), x.data(), weight.data(), kRows, kDim, 1e-6f, one);
  rms_norm(shared.data(), shared.data(), weight.data(), kRows, kDim, 1e-6f, three);
  EXPECT_EQ(alone, shared);
}

TEST(RmsNorm, ARowOfZerosStaysZero) {
  for (const auto& impl : runnable(rms_norm_impls())) {
    std::vector<float> x(20, 0.0f), weight(20, 2.0f);
    impl.run(x.data(), x.data(), weight.data(), 1, 20, 1e-5f);
    EXPECT_EQ(x, std::vector<float>(20, 0.0f)) << impl.name;
  }
}

}  // namespace
}  // namespace hearth::llm
