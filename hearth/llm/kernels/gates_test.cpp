#include "hearth/llm/kernels/gates.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "hearth/llm/kernels/elementwise_impls.h"
#include "hearth/llm/kernels/kernel_testing.h"

namespace hearth::llm {
namespace {

/// Numbers from -range to range, dense near 0, ends and both zeros included; a ragged count.
std::vector<float> sweep(float range) {
  std::vector<float> x = {0.0f, -0.0f, range, -range};
  for (float magnitude = 1e-6f; magnitude < range; magnitude *= 1.0007f) {
    x.push_back(magnitude);
    x.push_back(-magnitude);
  }
  if (x.size() % 8 == 0) x.push_back(1);
  return x;
}

double silu_f64(double z) { return z / (1 + std::exp(-z)); }

double gelu_f64(double z) {
  return 0.5 * z * (1 + std::tanh(std::sqrt(2 / M_PI) * (z + 0.044715 * z * z * z)));
}

TEST(Gates, SiluAgreesWithFloat64) {
  const auto gate = sweep(80), up = random_normal(gate.size(), 2);
  for (const auto& impl : runnable(silu_gate_impls())) {
    SCOPED_TRACE(impl.name);
    std::vector<float> out(gate.size());
    impl.run(out.data(), gate.data(), up.data(), gate.size());
    for (size_t i = 0; i < gate.size(); ++i) {
      const double expected = silu_f64(gate[i]) * up[i];
      // The exponential to 2^-22, three roundings, and results below the smallest normal number.
      ASSERT_NEAR(out[i], expected, 0x1p-21 * std::fabs(expected) + 0x1p-126) << gate[i];
    }
  }
}

TEST(Gates, GeluAgreesWithFloat64) {
  const auto gate = sweep(20), up = random_normal(gate.size(), 3);
  for (const auto& impl : runnable(gelu_gate_impls())) {
    SCOPED_TRACE(impl.name);
    std::vector<float> out(gate.size());
    impl.run(out.data(), gate.data(), up.data(), gate.size());
    for (size_t i = 0; i < gate.size(); ++i) {
      const double expected = gelu_f64(gate[i]) * up[i];
      // 1 + tanh cancels in the scalar form: an absolute error of 2^-23 times the input.
      ASSERT_NEAR(out[i], expected,
                  0x1p-20 * std::fabs(expected) + 0x1p-23 * std::fabs(gate[i] * up[i]))
          << gate[i];
    }
  }
}

TEST(Gates, SoftcapAgreesWithFloat64) {
  const auto x = sweep(1000);
  for (const auto& impl : runnable(softcap_impls()))
    for (const float cap : {1.0f, 30.0f}) {
      SCOPED_TRACE(fmt::format("{} cap={}", impl.name, cap));
      auto out = x;
      impl.run(out.data(), cap, out.size());
      for (size_t i = 0; i < x.size(); ++i) {
        const double expected = cap * std::tanh(double(x[i]) / cap);
        ASSERT_NEAR(out[i], expected, 0x1p-20 * std::fabs(expected)) << x[i];
      }
    }
}

TEST(Gates, FarOutTheyAreTheirLimits) {
  const std::vector<float> gate = {1000, -1000, 1e30f, -1e30f, INFINITY, 88.5f, -88.5f};
  const std::vector<float> ones(gate.size(), 1.0f);
  for (const auto& impl : runnable(silu_gate_impls())) {
    std::vector<float> out(gate.size());
    impl.run(out.data(), gate.data(), ones.data(), gate.size());
    EXPECT_EQ(out[0], 1000) << impl.name;
    EXPECT_NEAR(out[1], 0, 1e-30) << impl.name;
    EXPECT_EQ(out[2], 1e30f) << impl.name;
    // The vector exponential ends at e^88.37, so that a little is left of such a number.
    EXPECT_NEAR(out[3], 0, 1e-8) << impl.name;
    EXPECT_EQ(out[4], INFINITY) << impl.name;
    EXPECT_EQ(out[5], 88.5f) << impl.name;
    EXPECT_NEAR(out[6], 0, 1e-30) << impl.name;
  }
  for (const auto& impl : runnable(gelu_gate_impls())) {
    std::vector<float> out(gate.size());
    impl.run(out.data(), gate.data(), ones.data(), gate.size());
    EXPECT_EQ(out[0], 1000) << impl.name;
    EXPECT_NEAR(out[1], 0, 1e-30) << impl.name;
    EXPECT_EQ(out[2], 1e30f) << impl.name;
    EXPECT_NEAR(out[3], 0, 1e-8) << impl.name;
    EXPECT_EQ(out[4], INFINITY) << impl.name;
  }
  for (const auto& impl : runnable(softcap_impls())) {
    auto out = gate;
    impl.run(out.data(), 50, out.size());
    EXPECT_EQ(out[2], 50) << impl.name;
    EXPECT_EQ(out[3], -50) << impl.name;
    EXPECT_EQ(out[4], 50) << impl.name;
  }
}

TEST(Gates, NotANumberStaysSo) {
  const std::vector<float> gate(20, NAN), up(20, 1.0f);
  for (const auto& impls : {silu_gate_impls(), gelu_gate_impls()})
    for (const auto& impl : runnable(impls)) {
      std::vector<float> out(20);
      impl.run(out.data(), gate.data(), up.data(), 20);
      for (const float x : out) EXPECT_TRUE(std::isnan(x)) << impl.name;
    }
}

TEST(Gates, ThreadsAndPlacesDoNotMatter) {
  constexpr size_t kCount = 100003;
  const auto gate = random_normal(kCount, 6), up = random_normal(kCount, 7);
  ThreadPool one(1), three(3);
  std::vector<float> alone(kCount), shared = gate, shifted(kCount - 3);
  silu_gate(alone.data(), gate.data(), up.data(), kCount, one);
  silu_gate(shared.data(), shared.data(), up.data(), kCount, three);
  silu_gate(shifted.data(), gate.data() + 3, up.data() + 3, kCount - 3, one);
  EXPECT_EQ(alone, shared);
  EXPECT_TRUE(std::equal(shifted.begin(), shifted.end(), alone.begin() + 3));
  gelu_gate(alone.data(), gate.data(), up.data(), kCount, one);
  shared = up;
  gelu_gate(shared.data(), gate.data(), shared.data(), kCount, three);
  EXPECT_EQ(alone, shared);
  alone = shared = gate;
  softcap(alone.data(), 2, kCount, one);
  softcap(shared.data(), 2, kCount, three);
  EXPECT_EQ(alone, shared);
}

}  // namespace
}  // namespace hearth::llm
