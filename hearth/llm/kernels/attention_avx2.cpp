// Attention by AVX2 and FMA: the body is attention_vector.inc.
#include "hearth/llm/kernels/attention_tile.h"

#if defined(__x86_64__)
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "hearth/llm/kernels/vector_avx2.h"

namespace hearth::llm {
namespace avx2 {
namespace {
#include "hearth/llm/kernels/attention_vector.inc"
}  // namespace
}  // namespace avx2

void attend_avx2(const AttentionTile& tile, const TileBuffers& buffers, PartialSoftmax result) {
  avx2::attend(tile, buffers, result);
}

void store_row_avx2(const float* x, int elems, KvType type, std::byte* row) {
  avx2::store_row(x, elems, type, row);
}

}  // namespace hearth::llm
#endif
