// How well a model predicts a text: the yardstick for quantisation and for comparing engines.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "hearth/llm/kernels/kv_layout.h"
#include "hearth/llm/models/model.h"
#include "hearth/llm/tokenizer/tokenizer.h"

namespace hearth::llm {

struct PerplexityOptions {
  int context = 0;  // tokens of a window; 0: the model's context length, at most 8192
  KvType kv_type = KvType::f16;
  int threads = 0;  // 0: one per usable core
  /// Called after each chunk with the tokens counted so far and in all.
  std::function<void(int64_t done, int64_t total)> progress;
};

struct PerplexityResult {
  double nll_per_token = 0;  // nats
  double perplexity = 0;     // e^nll_per_token
  int64_t tokens = 0;        // counted: every token but the first
  int windows = 0;
  int context = 0;  // tokens of a window
};

/// The mean negative log-likelihood of the tokens of `text`, -1/N sum ln p(t_i | window before it).
///
/// The text is tokenised once, with BOS put in front where the vocabulary has one (no EOS). Of the
/// ids t_0 to t_N, window w computes the C = context ids from t_(wC) on, as positions 0 to C - 1,
/// and each predicts the id after it: so every id but t_0 is counted exactly once, and the first
/// ids of a window see little before them. Later windows begin with the text's own ids, not with
/// another BOS. log-softmax is in f64.
///
/// Errors: invalid_argument (a text of fewer than two ids; context), resource_exhausted.
PerplexityResult perplexity(const Model& model, const Tokenizer& tokenizer, std::string_view text,
                            const PerplexityOptions& options);

/// The same for ids that are there already.
PerplexityResult perplexity(const Model& model, std::span<const int32_t> ids,
                            const PerplexityOptions& options);

/// -ln softmax(logits)[target] in f64, in nats. `target` in [0, logits.size()).
double negative_log_likelihood(std::span<const float> logits, int32_t target);

}  // namespace hearth::llm
