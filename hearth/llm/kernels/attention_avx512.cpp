// Attention by AVX-512: the body is attention_vector.inc.
#include "hearth/llm/kernels/attention_tile.h"

#if defined(__x86_64__)
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "hearth/llm/kernels/vector_avx512.h"

namespace hearth::llm {
namespace avx512 {
namespace {
#include "hearth/llm/kernels/attention_vector.inc"
}  // namespace
}  // namespace avx512

void attend_avx512(const AttentionTile& tile, const TileBuffers& buffers, PartialSoftmax result) {
  avx512::attend(tile, buffers, result);
}

void store_row_avx512(const float* x, int elems, KvType type, std::byte* row) {
  avx512::store_row(x, elems, type, row);
}

}  // namespace hearth::llm
#endif
