// The settings of a generation, as one table: from it come the options of `hearth run`,
// `/set parameter`, `/show parameters` and the errors.
#pragma once
#include <array>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/cli/command.h"
#include "hearth/llm/batch_engine.h"
#include "hearth/llm/sampler.h"

namespace hearth::cli {

struct GenerateSettings {
  llm::SamplingParams sampling;
  std::optional<uint64_t> seed;  // nothing: another one for each answer
  int tokens_max = -1;
  std::vector<std::string> stop;
  llm::ContextFull context_full = llm::ContextFull::stop;
  /// Names of the parameters that somebody set; the others leave the choice to a model of the
  /// store.
  std::set<std::string_view> given;

  GenerateSettings() {
    // Off: temperature 0 then is the plain argmax, which other engines and model cards print.
    sampling.repeat_penalty = 1.0f;
  }
};

struct Parameter {
  std::string_view name;  // as in `/set parameter top_k 20`; the option is "--top-k"
  Option option;
  /// Sets it from text. Errors: invalid_argument naming the parameter, the text and the range.
  void (*set)(GenerateSettings&, std::string_view text);
  std::string (*show)(const GenerateSettings&);
};

inline constexpr size_t kParameterCount = 13;
extern const std::array<Parameter, kParameterCount> kParameters;

/// Sets the parameter called `name` (as in the table, or as its option). Errors: invalid_argument,
/// an unknown name with the nearest known one.
void set_parameter(GenerateSettings& settings, std::string_view name, std::string_view text);

/// The settings with every parameter that was given as an option.
GenerateSettings settings_from(const Args& args);

}  // namespace hearth::cli
