// Root-mean-square normalisation of rows (Zhang & Sennrich 2019, arXiv:1910.07467, eq. 4).
#pragma once
#include "hearth/compute/thread_pool.h"

namespace hearth::llm {

/// out[r][i] = x[r][i] / sqrt(mean(x[r]^2) + eps) * weight[i], each row on its own.
///   x, out   [rows, dim] f32; `out` may be `x`      weight   [dim] f32
///   eps      added to the mean square; GGUF key `{a}.attention.layer_norm_rms_epsilon`
/// Sums in a lane order fixed per implementation: equal rows give equal bits on one machine.
void rms_norm(float* out, const float* x, const float* weight, int rows, int dim, float eps,
              ThreadPool& pool);

}  // namespace hearth::llm
