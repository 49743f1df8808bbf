// The small operations by AVX-512: the bodies are elementwise_vector.inc.
#include "hearth/llm/kernels/elementwise_impls.h"

#if defined(__x86_64__)
#include <algorithm>
#include <cmath>

#include "hearth/llm/kernels/vector_avx512.h"

namespace hearth::llm {
namespace avx512 {
namespace {
#include "hearth/llm/kernels/elementwise_vector.inc"
}  // namespace
}  // namespace avx512

void rms_norm_avx512(float* out, const float* x, const float* weight, int rows, int dim,
                     float eps) {
  avx512::rms_norm(out, x, weight, rows, dim, eps);
}
void layer_norm_avx512(float* out, const float* x, const float* weight, const float* bias, int rows,
                       int dim, float eps) {
  avx512::layer_norm(out, x, weight, bias, rows, dim, eps);
}
void rope_avx512(float* x, std::span<const int32_t> positions, int heads, int head_dim,
                 const RopeTable& table) {
  avx512::rope(x, positions, heads, head_dim, table);
}
void silu_gate_avx512(float* out, const float* gate, const float* up, size_t count) {
  avx512::silu_gate(out, gate, up, count);
}
void gelu_gate_avx512(float* out, const float* gate, const float* up, size_t count) {
  avx512::gelu_gate(out, gate, up, count);
}
void gelu_erf_avx512(float* x, size_t count) { avx512::gelu_erf(x, count); }
void softcap_avx512(float* x, float cap, size_t count) { avx512::softcap(x, cap, count); }
float dot_avx512(const float* a, const float* b, size_t count) { return avx512::dot(a, b, count); }
void add_multiple_avx512(float* x, const float* y, float factor, size_t count) {
  avx512::add_multiple(x, y, factor, count);
}
void add_avx512(float* x, const float* y, size_t count) { avx512::add_to(x, y, count); }
void scale_avx512(float* x, float factor, size_t count) { avx512::scale_by(x, factor, count); }

}  // namespace hearth::llm
#endif
