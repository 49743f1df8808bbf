// Sums and scalings of activations in place.
#pragma once
#include <cstddef>

#include "hearth/compute/thread_pool.h"

namespace hearth::llm {

/// x[i] += y[i].
void add(float* x, const float* y, size_t count, ThreadPool& pool);

/// x[r][i] += bias[i].
///   x   [rows, dim] f32      bias   [dim] f32
void add_bias(float* x, const float* bias, int rows, int dim, ThreadPool& pool);

/// x[i] *= factor.
void scale(float* x, float factor, size_t count, ThreadPool& pool);

}  // namespace hearth::llm
