#include "hearth/llm/models/rope_scaling.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hearth::llm {
namespace {

using Scaling = RopeSettings::Scaling;

// Without a type, a factor means linear scaling: files older than the key carry only the factor.
// Longrope's stretching stands in its factor tensors; a factor beside them acts as linear too.
Scaling read_scaling(const ConfigReader& reader) {
  const std::string type = reader.try_text("rope.scaling.type").value_or("linear");
  if (type == "none") return Scaling::none;
  if (type == "linear" || type == "longrope") return Scaling::linear;
  if (type == "yarn") return Scaling::yarn;
  throw Error(Errc::unsupported, "{}: key '{}' is '{}', supported are none, linear, yarn, longrope",
              reader.file().name(), reader.key("rope.scaling.type"), type);
}

// 0 stands for "not scaled" in files of early converters.
float read_factor(const ConfigReader& reader) {
  std::optional<float> factor = reader.try_real("rope.scaling.factor", 1e6);
  if (!factor) factor = reader.try_real("rope.scale_linear", 1e6);
  return factor.value_or(0) == 0 ? 1 : *factor;
}

// The pair that makes `turns` full turns within the original context, as a fraction of pairs.
double pair_of_turns(const RopeSettings& rope, double turns) {
  const double positions_a_turn = rope.original_context / (turns * 2 * std::numbers::pi);
  return rope.dim * std::log(positions_a_turn) / (2 * std::log(double{rope.freq_base}));
}

// 1 for the pairs whose angle yarn keeps, 0 for those it divides by the factor, a ramp between.
double yarn_kept_share(const RopeSettings& rope, int pair) {
  const double first = std::max(0.0, std::floor(pair_of_turns(rope, rope.beta_fast)));
  const double last = std::min(rope.dim - 1.0, std::ceil(pair_of_turns(rope, rope.beta_slow)));
  const double ramp = (pair - first) / std::max(0.001, last - first);
  return 1 - std::clamp(ramp, 0.0, 1.0);
}

// Yarn sharpens the attention of a stretched model by 0.1 ln(factor) + 1 (section 3.4).
double yarn_magnitude(double factor, double multiplier) {
  return factor <= 1 ? 1 : 0.1 * multiplier * std::log(factor) + 1;
}

}  // namespace

RopeSettings read_rope(const ConfigReader& reader, const ModelConfig& config) {
  constexpr double kMax = 1e12;
  RopeSettings rope;
  rope.dim = reader.try_integer("rope.dimension_count", {2, config.head_dim_k})
                 .value_or(config.head_dim_k);
  if (rope.dim % 2 != 0)
    throw Error(Errc::corrupt_data, "{}: key '{}' is {}, it must be even", reader.file().name(),
                reader.key("rope.dimension_count"), rope.dim);
  rope.freq_base = reader.try_positive("rope.freq_base", kMax).value_or(rope.freq_base);
  rope.scaling = read_scaling(reader);
  rope.factor = read_factor(reader);
  rope.original_context = reader.try_integer("rope.scaling.original_context_length", {1, 1 << 30})
                              .value_or(config.context_length);
  rope.attention_factor =
      reader.try_positive("rope.scaling.attn_factor", kMax).value_or(rope.attention_factor);
  rope.beta_fast =
      reader.try_positive("rope.scaling.yarn_beta_fast", kMax).value_or(rope.beta_fast);
  rope.beta_slow =
      reader.try_positive("rope.scaling.yarn_beta_slow", kMax).value_or(rope.beta_slow);
  rope.log_multiplier = reader.try_real("rope.scaling.yarn_log_multiplier", kMax).value_or(0);
  return rope;
}

std::vector<float> read_rope_factors(WeightReader& weights, const RopeSettings& rope,
                                     const std::string& name) {
  const std::vector<float> factors = weights.try_vector(name, rope.dim / 2);
  for (float factor : factors)
    if (!(factor > 0))  // not-a-number fails too
      throw Error(Errc::corrupt_data,
                  "{}: tensor '{}' holds {}, a rotary factor must be above zero",
                  weights.file_name(), name, factor);
  return factors;
}

std::vector<float> read_longrope_factors(WeightReader& weights, const RopeSettings& rope,
                                         int context) {
  const std::string long_name = "rope_factors_long.weight",
                    short_name = "rope_factors_short.weight";
  const std::vector<float> long_set = read_rope_factors(weights, rope, long_name);
  const std::vector<float> short_set = read_rope_factors(weights, rope, short_name);
  if (long_set.empty() != short_set.empty())
    throw Error(Errc::corrupt_data, "{}: tensor '{}' is missing", weights.file_name(),
                long_set.empty() ? long_name : short_name);
  return context > rope.original_context ? long_set : short_set;
}

RopeTable make_rope_table(const RopeSettings& rope, RopePairing pairing,
                          std::span<const float> factors) {
  HEARTH_CHECK(factors.empty() || static_cast<int>(factors.size()) == rope.dim / 2);
  RopeTable table;
  table.pairing = pairing;
  table.dim = rope.dim;
  table.magnitude = rope.attention_factor;
  for (int pair = 0; pair < rope.dim / 2; ++pair) {
    double angle = std::pow(double{rope.freq_base}, -2.0 * pair / rope.dim);
    if (!factors.empty()) angle /= factors[pair];
    const double kept = rope.scaling == Scaling::none   ? 1
                        : rope.scaling == Scaling::yarn ? yarn_kept_share(rope, pair)
                                                        : 0;
    table.inverse_freq.push_back(
        static_cast<float>(angle * kept + angle / rope.factor * (1 - kept)));
  }
  if (rope.scaling == Scaling::yarn) {
    double magnitude = yarn_magnitude(rope.factor, 1);
    if (rope.log_multiplier != 0) magnitude /= yarn_magnitude(rope.factor, rope.log_multiplier);
    table.magnitude *= static_cast<float>(magnitude);
  }
  return table;
}

}  // namespace hearth::llm
