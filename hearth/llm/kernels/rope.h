// Rotary position embedding (Su et al. 2021, arXiv:2104.09864, eq. 34).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "hearth/compute/thread_pool.h"

namespace hearth::llm {

enum class RopePairing {
  adjacent,  // rotates (2i, 2i + 1): "NORM" in GGUF terms, llama
  halves,    // rotates (i, i + dim/2): "NEOX", qwen, gemma, phi3
};

/// Which elements of a head rotate, and how fast; made once per model.
struct RopeTable {
  RopePairing pairing = RopePairing::adjacent;
  int dim = 0;                      // leading elements of a head that rotate, even
  std::vector<float> inverse_freq;  // [dim / 2] angle per position of pair i, in radians
  float magnitude = 1;              // sine and cosine are multiplied by this (longrope, yarn)
};

/// Rotates x in place: (a, b) becomes magnitude * (a cos t - b sin t, a sin t + b cos t) with
/// t = position * inverse_freq[i]; elements from table.dim on stay.
///   x           [tokens, heads, head_dim] f32, head_dim >= table.dim
///   positions   [tokens], |position| < 2^24
/// Angles are products in f64, reduced in f64: sine and cosine are right to 2^-23 everywhere.
void rope(float* x, std::span<const int32_t> positions, int heads, int head_dim,
          const RopeTable& table, ThreadPool& pool);

}  // namespace hearth::llm
