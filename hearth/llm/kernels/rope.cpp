#include "hearth/llm/kernels/rope.h"

#include <algorithm>
#include <cmath>

#include "hearth/base/error.h"
#include "hearth/llm/kernels/elementwise_impls.h"
#include "hearth/llm/kernels/parallel_ranges.h"

namespace hearth::llm {
namespace {

// Pairs whose sine and cosine are kept at once: all of any real head.
constexpr int kPairsMax = 256;

void rotate_pairs(float* head, const RopeTable& table, int first_pair, int pairs,
                  const float* cosines, const float* sines) {
  const bool adjacent = table.pairing == RopePairing::adjacent;
  float* a = head + (adjacent ? 2 * first_pair : first_pair);
  float* b = adjacent ? a + 1 : a + table.dim / 2;
  const int step = adjacent ? 2 : 1;
  for (int i = 0; i < pairs; ++i, a += step, b += step) {
    const float x = *a, y = *b;
    *a = x * cosines[i] - y * sines[i];
    *b = x * sines[i] + y * cosines[i];
  }
}

void rope_scalar(float* x, std::span<const int32_t> positions, int heads, int head_dim,
                 const RopeTable& table) {
  float cosines[kPairsMax], sines[kPairsMax];
  for (const int32_t position : positions) {
    for (int first = 0; first < table.dim / 2; first += kPairsMax) {
      const int pairs = std::min(kPairsMax, table.dim / 2 - first);
      for (int i = 0; i < pairs; ++i) {
        // Exact: 24 bits of position times 24 of frequency fit the 53 of a double.
        const double angle = static_cast<double>(position) * table.inverse_freq[first + i];
        cosines[i] = static_cast<float>(std::cos(angle) * table.magnitude);
        sines[i] = static_cast<float>(std::sin(angle) * table.magnitude);
      }
      for (int h = 0; h < heads; ++h)
        rotate_pairs(x + static_cast<size_t>(h) * head_dim, table, first, pairs, cosines, sines);
    }
    x += static_cast<size_t>(heads) * head_dim;
  }
}

constexpr cpu::Impl<RopeFn> kImpls[] = {
#if defined(__x86_64__)
    {.name = "avx512", .needs = cpu::kAvx512, .run = rope_avx512},
    {.name = "avx2", .needs = cpu::kAvx2, .run = rope_avx2},
#endif
    {.name = "scalar", .needs = cpu::kNone, .run = rope_scalar},
};

}  // namespace

std::span<const cpu::Impl<RopeFn>> rope_impls() { return kImpls; }

void rope(float* x, std::span<const int32_t> positions, int heads, int head_dim,
          const RopeTable& table, ThreadPool& pool) {
  HEARTH_CHECK(table.dim % 2 == 0 && table.dim <= head_dim &&
               table.inverse_freq.size() == static_cast<size_t>(table.dim / 2));
  static const auto& impl = cpu::choose(kImpls);
  const size_t token_elems = static_cast<size_t>(heads) * head_dim;
  for_ranges(pool, positions.size(), token_elems, [&](size_t begin, size_t end) {
    impl.run(x + begin * token_elems, positions.subspan(begin, end - begin), heads, head_dim,
             table);
  });
}

}  // namespace hearth::llm
