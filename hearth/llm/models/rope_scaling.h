// Rotary frequencies of a model: the base, and the ways of stretching them to longer contexts.
#pragma once
#include <span>
#include <vector>

#include "hearth/llm/kernels/rope.h"
#include "hearth/llm/models/config.h"
#include "hearth/llm/models/weights.h"

namespace hearth::llm {

/// How angles grow with position. Pair i of d/2 turns by base^(-2i/d) per position, before scaling.
struct RopeSettings {
  enum class Scaling {
    none,
    linear,  // every angle divided by `factor` (Chen et al. 2023, arXiv:2306.15595)
    yarn,    // only the slow pairs are (Peng et al. 2023, arXiv:2309.00071, section 3.2)
  };

  int dim = 0;  // {a}.rope.dimension_count, or head_dim_k: elements that rotate
  float freq_base = 10000;
  Scaling scaling = Scaling::none;
  float factor = 1;
  int original_context = 0;    // positions before scaling; context_length where the file is silent
  float attention_factor = 1;  // multiplies sine and cosine of every pair (longrope: from the file)
  float beta_fast = 32;        // yarn: pairs that turn more often than this in the original context
  float beta_slow = 1;         // keep their angle; those below this are divided by the factor
  float log_multiplier = 0;    // {a}.rope.scaling.yarn_log_multiplier; 0: absent
};

/// Reads `{a}.rope.*`. Errors: corrupt_data, unsupported (a scaling type), naming the key.
RopeSettings read_rope(const ConfigReader& reader, const ModelConfig& config);

/// Divisors of the angles, one per pair, from the tensor `name`; empty when the file has none.
/// Errors: corrupt_data (a shape other than [dim / 2], a divisor that is not above zero).
std::vector<float> read_rope_factors(WeightReader& weights, const RopeSettings& settings,
                                     const std::string& name);
/// Longrope's divisors: rope_factors_long if `context` positions pass the original context, else
/// rope_factors_short. Empty when the file has none. Errors: as read_rope_factors, and corrupt_data
/// when one of the two sets is missing.
std::vector<float> read_longrope_factors(WeightReader& weights, const RopeSettings& settings,
                                         int context);

/// The table that the rope kernel reads. `factors` [dim / 2] divide the angle of each pair (Llama
/// 3.1's rope_freqs, longrope); empty: none.
RopeTable make_rope_table(const RopeSettings& settings, RopePairing pairing,
                          std::span<const float> factors = {});

}  // namespace hearth::llm
