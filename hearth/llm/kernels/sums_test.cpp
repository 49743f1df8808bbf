#include "hearth/llm/kernels/sums.h"

#include <gtest/gtest.h>

#include "hearth/llm/kernels/elementwise_impls.h"
#include "hearth/llm/kernels/kernel_testing.h"

namespace hearth::llm {
namespace {

TEST(Sums, EveryImplementationAddsAndScalesExactly) {
  for (const size_t count : {0, 1, 7, 8, 15, 16, 17, 33, 1000}) {
    const auto x = random_normal(count, 1), y = random_normal(count, 2);
    for (const auto& impl : runnable(add_impls())) {
      auto out = x;
      out.push_back(42);  // must not be touched
      impl.run(out.data(), y.data(), count);
      for (size_t i = 0; i < count; ++i) ASSERT_EQ(out[i], x[i] + y[i]) << impl.name;
      EXPECT_EQ(out[count], 42) << impl.name;
    }
    for (const auto& impl : runnable(scale_impls())) {
      auto out = x;
      out.push_back(42);
      impl.run(out.data(), 1.7f, count);
      for (size_t i = 0; i < count; ++i) ASSERT_EQ(out[i], x[i] * 1.7f) << impl.name;
      EXPECT_EQ(out[count], 42) << impl.name;
    }
  }
}

TEST(Sums, SharedLoopsCoverEveryElement) {
  constexpr int kRows = 77, kDim = 1001;
  ThreadPool three(3);
  const auto x = random_normal(kRows * kDim, 3), y = random_normal(kRows * kDim, 4);
  auto out = x;
  add(out.data(), y.data(), out.size(), three);
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(out[i], x[i] + y[i]);
  out = x;
  scale(out.data(), 3, out.size(), three);
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(out[i], x[i] * 3);
  out = x;
  add_bias(out.data(), y.data(), kRows, kDim, three);
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(out[i], x[i] + y[i % kDim]);
}

}  // namespace
}  // namespace hearth::llm
