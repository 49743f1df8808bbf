// How the threads of a pool share a matrix product.
#pragma once
#include <span>

#include "hearth/compute/thread_pool.h"
#include "hearth/llm/kernels/matmul_rows.h"

namespace hearth::llm {

/// What all pieces of a product share.
struct MatmulCall {
  std::span<const MatmulJob> jobs;
  const float* x;  // [tokens, cols]
  int tokens, cols;
  const ActivationChunk* chunks;  // of x, where a job's type is quantised
  std::byte* panels;              // [threads of the pool, kPanelBytes]
};

/// Computes all jobs. Which thread computes what has no influence on any bit of the result.
void run_shared(const MatmulCall& call, ThreadPool& pool);

}  // namespace hearth::llm
