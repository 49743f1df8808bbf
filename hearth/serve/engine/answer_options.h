// Options by Ollama's names, from three sources, to what the engine takes.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hearth/llm/sampler.h"
#include "hearth/store/model_parameters.h"

namespace hearth::serve {

/// How one answer is drawn, and where it ends.
struct AnswerSettings {
  llm::SamplingParams sampling;  // but for its seed, bias and logprobs
  std::optional<uint64_t> seed;  // nothing: another one for each answer
  int tokens_max = -1;           // num_predict; -1: no limit, 0: the prompt is computed only
  bool ends_when_full = false;   // num_predict -2: until the context is full, without a shift
  std::vector<std::string> stop;
};

/// `request` wins over `model` (the parameters that a model carries), and that over `defaults` (the
/// API's); what none names is SamplingParams' own. Unknown names and options of loading are passed
/// over. Errors: invalid_argument (`option "top_p" must be of type number`, or must be between two
/// values, naming what it is).
AnswerSettings resolve_options(const store::ModelParameters& defaults,
                               const store::ModelParameters& model,
                               const store::ModelParameters& request);

/// How a model is loaded: the options that cannot change while it runs.
struct LoadSettings {
  int context = 0;         // num_ctx: positions per answer; 0: the engine's choice
  int threads = 0;         // num_thread; 0: one per usable core
  int batch_tokens = 512;  // num_batch: of one step at most
};

/// Errors: as resolve_options().
LoadSettings resolve_load_options(const store::ModelParameters& parameters);

}  // namespace hearth::serve
