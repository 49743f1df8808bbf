// From logits to the next token: penalties, truncation, temperature, one draw. Pure: no clock, no global state.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hearth/base/rng.h"

namespace hearth::llm {

struct SamplingParams {
  float temperature = 0.8f;       // 0: greedy, the first of equal maxima
  int top_k = 40;                 // 0: off
  float top_p = 0.9f;             // 1: off
  float min_p = 0.0f;             // 0: off; keeps p >= min_p * p_max
  float typical_p = 1.0f;         // 1: off (Meister et al. 2022, arXiv:2202.00666)
  float repeat_penalty = 1.1f;    // 1: off (Keskar et al. 2019, arXiv:1909.05858): positive logits divided, others multiplied
  float presence_penalty = 0.0f;  // subtracted once for a token in the window
  float frequency_penalty = 0.0f; // subtracted per occurrence
  int repeat_last_n = 64;         // window of the penalties; 0: off, -1: the whole context
  std::vector<std::pair<int32_t, float>> logit_bias;  // added first
  uint64_t seed = 0;
  int logprobs = -1;              // -1: none; n: the chosen token's and the n most likely alternatives
};

struct TokenLogprob {
  int32_t token;
  float logprob;   // natural log of softmax(logits) after bias, before penalties and truncation
};

struct Sample {
  int32_t token;
  TokenLogprob chosen;
  std::vector<TokenLogprob> top;   // most likely first; empty unless asked for
};

/// One per sequence: the seed's stream belongs to it, so text depends on seed and prompt only.
class Sampler {
 public:
  /// Errors: invalid_argument naming the parameter, the value and its range.
  Sampler(SamplingParams params, int vocab_size);
  /// `logits` [vocab_size] f32; `history`: prompt and generated ids so far. Not-a-number logits count as -infinity.
  Sample sample(std::span<const float> logits, std::span<const int32_t> history);
  const SamplingParams& params() const { return params_; }

 private:
  struct Candidate { int32_t token; float logit; float probability; };
  SamplingParams params_;
  Rng rng_;
  std::vector<Candidate> candidates_;  // [vocab_size], reused: sampling allocates nothing
  std::vector<float> adjusted_;        // [vocab_size] logits after bias and penalties
};

}  // namespace hearth::llm
