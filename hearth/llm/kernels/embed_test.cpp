#include "hearth/llm/kernels/embed.h"

#include <gtest/gtest.h>

#include "hearth/formats/quantize.h"
#include "hearth/llm/kernels/elementwise.h"
#include "hearth/llm/kernels/kernel_testing.h"

namespace hearth::llm {
namespace {

TEST(Embed, GivesTheRowsAskedForInAnyType) {
  constexpr int kRows = 300, kCols = 256;
  ThreadPool pool(3);
  for (const auto type : {formats::TensorType::f32, formats::TensorType::q8_0}) {
    const size_t row_bytes = formats::row_bytes(type, kCols);
    // Row r is r / 300 in every column: a constant row is exact in q8_0 up to its half scale.
    std::vector<std::byte> data(kRows * row_bytes);
    for (int r = 0; r < kRows; ++r) {
      const std::vector<float> row(kCols, r / 300.0f);
      formats::quantize_row(type, row, data.data() + r * row_bytes);
    }
    const WeightMatrix table{type, kRows, kCols, data.data(), row_bytes};
    std::vector<int32_t> ids;
    for (int i = 0; i < 400; ++i) ids.push_back((i * 37) % kRows);
    std::vector<float> out(ids.size() * kCols, -1.0f);
    embed(out.data(), table, ids, pool);
    for (size_t t = 0; t < ids.size(); ++t)
      for (int c = 0; c < kCols; ++c)
        ASSERT_NEAR(out[t * kCols + c], ids[t] / 300.0f, 0x1p-11) << t << ", " << c;
  }
}

TEST(Embed, ElementwiseKernelsAreListedBestFirstAndEndWithScalar) {
  const auto rows = elementwise_kernels();
  ASSERT_FALSE(rows.empty());
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool last = i + 1 == rows.size() || rows[i + 1].kernel != rows[i].kernel;
    EXPECT_EQ(last, rows[i].implementation == "scalar") << rows[i].kernel;
    EXPECT_EQ(last, rows[i].needs == cpu::kNone) << rows[i].kernel;
  }
}

}  // namespace
}  // namespace hearth::llm
