// The small operations between the matrix products: norms, rotary embeddings, gates, sums.
#pragma once
#include <cstdint>
#include <span>

#include "hearth/compute/cpu_features.h"
#include "hearth/compute/thread_pool.h"
#include "hearth/llm/kernels/matmul.h"

namespace hearth::llm {

/// out[r][i] = x[r][i] / sqrt(mean(x[r]^2) + eps) * weight[i], each row on its own.
///   x, out   [rows, dim] f32; `out` may be `x`      weight   [dim] f32
/// (Zhang & Sennrich 2019, arXiv:1910.07467, eq. 4.)
void rms_norm(float* out, const float* x, const float* weight, int rows, int dim, float eps, ThreadPool& pool);

enum class RopePairing {
  adjacent,  // rotates (2i, 2i + 1): "NORM" in GGUF terms, llama
  halves,    // rotates (i, i + d/2): "NEOX", qwen, gemma, phi3
};

/// Rotary position embedding (Su et al. 2021, arXiv:2104.09864) as tables, made once per model.
struct RopeTable {
  RopePairing pairing = RopePairing::adjacent;
  int dim = 0;                       // leading elements of a head that rotate, even
  std::vector<float> inverse_freq;   // [dim / 2] angle per position of pair i
  float magnitude = 1;               // sine and cosine are multiplied by this (longrope, yarn)
};

/// Rotates x in place. x [tokens, heads, head_dim] f32; positions [tokens]. Angles are computed in f64.
void rope(float* x, std::span<const int32_t> positions, int heads, int head_dim, const RopeTable& table,
          ThreadPool& pool);

/// out[i] = silu(gate[i]) * up[i], silu(z) = z / (1 + e^-z). `out` may be either input.
void silu_gate(float* out, const float* gate, const float* up, size_t count, ThreadPool& pool);
/// out[i] = gelu(gate[i]) * up[i], gelu by its tanh form: 0.5 z (1 + tanh(sqrt(2/pi) (z + 0.044715 z^3))).
void gelu_gate(float* out, const float* gate, const float* up, size_t count, ThreadPool& pool);
/// x[i] += y[i].
void add(float* x, const float* y, size_t count, ThreadPool& pool);
/// x[r][i] += bias[i].
void add_bias(float* x, const float* bias, int rows, int dim, ThreadPool& pool);
/// x[i] *= factor.
void scale(float* x, float factor, size_t count, ThreadPool& pool);
/// x[i] = cap * tanh(x[i] / cap).
void softcap(float* x, float cap, size_t count, ThreadPool& pool);
/// out[t] = row ids[t] of an embedding matrix in any weight type, as f32. out [ids, table.cols].
void embed(float* out, const WeightMatrix& table, std::span<const int32_t> ids, ThreadPool& pool);

std::span<const cpu::KernelRow> elementwise_kernels();

}  // namespace hearth::llm
