#include "hearth/llm/kernels/embed.h"

#include "hearth/base/error.h"
#include "hearth/formats/quantize.h"
#include "hearth/llm/kernels/parallel_ranges.h"

namespace hearth::llm {

void embed(float* out, const WeightMatrix& table, std::span<const int32_t> ids, ThreadPool& pool) {
  const auto cols = static_cast<size_t>(table.cols);
  for_ranges(pool, ids.size(), cols, [&](size_t begin, size_t end) {
    for (size_t t = begin; t < end; ++t) {
      HEARTH_CHECK(ids[t] >= 0 && ids[t] < table.rows);
      const std::byte* row = table.data + static_cast<size_t>(ids[t]) * table.row_bytes;
      formats::dequantize_row(table.type, row, {out + t * cols, cols});
    }
  });
}

}  // namespace hearth::llm
