// Token ids to their embeddings.
#pragma once
#include <cstdint>
#include <span>

#include "hearth/compute/thread_pool.h"
#include "hearth/llm/kernels/matmul.h"

namespace hearth::llm {

/// out[t] = row ids[t] of an embedding matrix in any weight type, as f32.
///   out   [ids, table.cols] f32      ids   each in [0, table.rows)
void embed(float* out, const WeightMatrix& table, std::span<const int32_t> ids, ThreadPool& pool);

}  // namespace hearth::llm
