// The pointwise non-linearities of a transformer block: gated activations and soft caps.
//
// Every pointer is f32 with no alignment; results do not depend on the number of threads.
#pragma once
#include <cstddef>

#include "hearth/compute/thread_pool.h"

namespace hearth::llm {

/// out[i] = silu(gate[i]) * up[i], silu(z) = z / (1 + e^-z). `out` may be either input.
void silu_gate(float* out, const float* gate, const float* up, size_t count, ThreadPool& pool);

/// out[i] = gelu(gate[i]) * up[i], gelu by its tanh form: 0.5 z (1 + tanh(sqrt(2/pi) (z + 0.044715
/// z^3))). `out` may be either input. (Hendrycks & Gimpel 2016, arXiv:1606.08415.)
void gelu_gate(float* out, const float* gate, const float* up, size_t count, ThreadPool& pool);

/// x[i] = cap * tanh(x[i] / cap).
///   cap   > 0; GGUF keys `{a}.attn_logit_softcapping`, `{a}.final_logit_softcapping`
void softcap(float* x, float cap, size_t count, ThreadPool& pool);

}  // namespace hearth::llm
