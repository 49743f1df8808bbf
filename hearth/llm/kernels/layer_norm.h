// Layer normalisation of rows (Ba, Kiros & Hinton 2016, arXiv:1607.06450, eq. 4), and the GELU of
// encoders.
#pragma once
#include <cstddef>

#include "hearth/compute/thread_pool.h"

namespace hearth::llm {

/// out[r][i] = (x[r][i] - mean(x[r])) / sqrt(variance(x[r]) + eps) * weight[i] + bias[i].
///   x, out         [rows, dim] f32; `out` may be `x`
///   weight, bias   [dim] f32
///   eps            GGUF key `{a}.attention.layer_norm_epsilon`
/// The variance is that of the row itself, not an estimate (divided by dim). Sums in f64.
void layer_norm(float* out, const float* x, const float* weight, const float* bias, int rows,
                int dim, float eps, ThreadPool& pool);

/// x[i] = x[i] * Phi(x[i]), Phi the distribution function of the normal distribution: GELU itself,
/// not its tanh form (Hendrycks & Gimpel 2016, arXiv:1606.08415, section 2). To |x[i]| 2^-21.
void gelu_erf(float* x, size_t count, ThreadPool& pool);

}  // namespace hearth::llm
