// The small operations by AVX2 and FMA: the bodies are elementwise_vector.inc.
#include "hearth/llm/kernels/elementwise_impls.h"

#if defined(__x86_64__)
#include <algorithm>
#include <cmath>

#include "hearth/llm/kernels/vector_avx2.h"

namespace hearth::llm {
namespace avx2 {
namespace {
#include "hearth/llm/kernels/elementwise_vector.inc"
}  // namespace
}  // namespace avx2

void rms_norm_avx2(float* out, const float* x, const float* weight, int rows, int dim, float eps) {
  avx2::rms_norm(out, x, weight, rows, dim, eps);
}
void layer_norm_avx2(float* out, const float* x, const float* weight, const float* bias, int rows,
                     int dim, float eps) {
  avx2::layer_norm(out, x, weight, bias, rows, dim, eps);
}
void rope_avx2(float* x, std::span<const int32_t> positions, int heads, int head_dim,
               const RopeTable& table) {
  avx2::rope(x, positions, heads, head_dim, table);
}
void silu_gate_avx2(float* out, const float* gate, const float* up, size_t count) {
  avx2::silu_gate(out, gate, up, count);
}
void gelu_gate_avx2(float* out, const float* gate, const float* up, size_t count) {
  avx2::gelu_gate(out, gate, up, count);
}
void gelu_erf_avx2(float* x, size_t count) { avx2::gelu_erf(x, count); }
void softcap_avx2(float* x, float cap, size_t count) { avx2::softcap(x, cap, count); }
float dot_avx2(const float* a, const float* b, size_t count) { return avx2::dot(a, b, count); }
void add_multiple_avx2(float* x, const float* y, float factor, size_t count) {
  avx2::add_multiple(x, y, factor, count);
}
void add_avx2(float* x, const float* y, size_t count) { avx2::add_to(x, y, count); }
void scale_avx2(float* x, float factor, size_t count) { avx2::scale_by(x, factor, count); }

}  // namespace hearth::llm
#endif
