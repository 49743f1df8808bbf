// From logits to the next token: mask, penalties, truncation, temperature, one draw. Pure: no
// clock, no global state.
//
// The order is llama.cpp's default chain, and so that of most front ends: bias, mask, penalties,
// top-k, typical, top-p, min-p, temperature, draw. Truncation looks at the probabilities of
// temperature 1: a higher temperature flattens what was kept and never lets back in what was cut.
// (Ollama's own runner applies the temperature right after top-k: at 0.8 its top-p of 0.9 keeps
// slightly fewer tokens.)
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hearth/base/rng.h"
#include "hearth/llm/grammar/token_mask.h"

namespace hearth::llm {

struct SamplingParams {
  float temperature = 0.8f;  // 0: greedy, the first of equal maxima; at most 100
  int top_k = 40;            // 0: off
  float top_p = 0.9f;  // 1: off (Holtzman et al. 2020, arXiv:1904.09751); keeps at least one token
  float min_p = 0.0f;  // 0: off; keeps p >= min_p * p_max (arXiv:2407.01082)
  float typical_p =
      1.0f;  // 1: off (Meister et al. 2022, arXiv:2202.00666); keeps at least one token
  // 1: off (Keskar et al. 2019, arXiv:1909.05858): positive logits are divided by it, others
  // multiplied. Off unless asked for, as in llama.cpp, so that temperature 0 gives the model's own
  // most likely text and code may repeat its names; Ollama documents 1.1 (its newer runner applies
  // none).
  float repeat_penalty = 1.0f;
  float presence_penalty = 0.0f;   // subtracted once for a token in the window; -100..100
  float frequency_penalty = 0.0f;  // subtracted per occurrence; -100..100
  int repeat_last_n = 64;          // window of the three penalties; 0: off, -1: the whole history
  std::vector<std::pair<int32_t, float>> logit_bias;  // added first; -infinity bans a token
  uint64_t seed = 0;
  int logprobs = -1;  // -1: none; n <= 100: the chosen token's and those of the n most likely
};

struct TokenLogprob {
  int32_t token;
  float logprob;  // natural log of softmax(logits) after bias and mask, before penalties and
                  // truncation
};

struct Sample {
  int32_t token;
  TokenLogprob chosen;  // its logprob is not-a-number unless asked for
  std::vector<TokenLogprob>
      top;  // most likely first, equals by id; allowed ones only; empty unless asked for
};

/// One per sequence: the seed's stream belongs to it, so text depends on seed and prompt only.
class Sampler {
 public:
  /// Errors: invalid_argument naming the parameter, the value and its range.
  Sampler(SamplingParams params, int vocab_size);

  /// One token. Allocates nothing but `top`.
  ///   logits    [vocab_size] f32; not-a-number counts as -infinity. When all are, the answer is
  ///   token 0, also when `allowed` does not hold it.
  ///   history   prompt and generated ids so far, each in [0, vocab_size)
  ///   allowed   other ids have no probability, whatever their bias: for greedy choice, draw and
  ///   logprobs; of at least vocab_size ids, or empty: all
  Sample sample(std::span<const float> logits, std::span<const int32_t> history,
                TokenMask allowed = {});

  const SamplingParams& params() const { return params_; }

  struct Candidate {
    int32_t token;
    float logit;
    float probability;  // among the candidates left
  };

 private:
  void apply_bias(std::span<const float> logits);
  void apply_penalties(std::span<const int32_t> history);
  void fill_candidates();
  void truncate();
  int32_t draw();
  int32_t choose();
  float log_sum() const;
  float biased(std::span<const float> logits, int32_t token) const;

  SamplingParams params_;
  Rng rng_;
  std::vector<Candidate> candidates_;  // [<= vocab_size] capacity kept: sampling allocates nothing
  std::vector<float> adjusted_;        // [vocab_size] logits after bias, then after penalties
  std::vector<int32_t> occurrences_;   // [vocab_size] in the window; all 0 between calls
};

}  // namespace hearth::llm
