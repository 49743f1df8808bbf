#include "hearth/serve/engine/answer_options.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

using store::ModelParameters;
using store::ParameterValue;

constexpr int64_t kIntMax = std::numeric_limits<int>::max();

constexpr double kExactMax = 9007199254740992;  // 2^53: beyond it a double is no certain integer

// One option on its way to its field. Values come from JSON, where 1 and 1.0 are one number.
class Option {
 public:
  Option(std::string_view name, const ParameterValue& value) : name_(name), value_(value) {}

  int64_t integer(int64_t low, int64_t high) const {
    const std::optional<int64_t> integer = try_integer();
    if (!integer) throw_type("integer");
    if (*integer < low || *integer > high) throw_range(*integer, low, high);
    return *integer;
  }
  int whole(int64_t low) const { return static_cast<int>(integer(low, kIntMax)); }

  float number(double low, double high) const {
    double number = 0;
    if (const auto* integer = std::get_if<int64_t>(&value_))
      number = static_cast<double>(*integer);
    else if (const auto* real = std::get_if<double>(&value_))
      number = *real;
    else
      throw_type("number");
    // Not-a-number passes no comparison.
    if (!(number >= low && number <= high)) throw_range(number, low, high);
    return static_cast<float>(number);
  }

  const std::vector<std::string>& strings() const {
    const auto* strings = std::get_if<std::vector<std::string>>(&value_);
    if (!strings) throw_type("list of strings");
    return *strings;
  }

 private:
  std::optional<int64_t> try_integer() const {
    if (const auto* integer = std::get_if<int64_t>(&value_)) return *integer;
    const auto* real = std::get_if<double>(&value_);
    // Not-a-number passes no comparison.
    if (!real || !(std::abs(*real) <= kExactMax) || std::trunc(*real) != *real) return std::nullopt;
    return static_cast<int64_t>(*real);
  }
  [[noreturn]] void throw_type(std::string_view type) const {
    throw Error(Errc::invalid_argument, "option \"{}\" must be of type {}", name_, type);
  }
  template <class Number>
  [[noreturn]] void throw_range(Number value, Number low, Number high) const {
    throw Error(Errc::invalid_argument, "option \"{}\" must be between {} and {}, not {}", name_,
                low, high, value);
  }

  std::string_view name_;
  const ParameterValue& value_;
};

template <class Settings>
struct OptionRow {
  std::string_view name;
  void (*set)(Settings&, const Option&);
};

void set_tokens_max(AnswerSettings& settings, const Option& option) {
  const int tokens = option.whole(-2);
  settings.ends_when_full = tokens == -2;
  settings.tokens_max = settings.ends_when_full ? -1 : tokens;
}

void set_seed(AnswerSettings& settings, const Option& option) {
  // Clients send -1 for "any", some any other negative number.
  const int64_t seed =
      option.integer(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
  settings.seed = seed < 0 ? std::nullopt : std::optional(static_cast<uint64_t>(seed));
}

using Answer = AnswerSettings;

// Ranges are those of llm::Sampler. -1 is another way to say "off" to top_k.
constexpr OptionRow<Answer> kAnswerOptions[] = {
    {"temperature", [](Answer& s, const Option& o) { s.sampling.temperature = o.number(0, 100); }},
    {"top_k", [](Answer& s, const Option& o) { s.sampling.top_k = std::max(o.whole(-1), 0); }},
    {"top_p", [](Answer& s, const Option& o) { s.sampling.top_p = o.number(0, 1); }},
    {"min_p", [](Answer& s, const Option& o) { s.sampling.min_p = o.number(0, 1); }},
    {"typical_p", [](Answer& s, const Option& o) { s.sampling.typical_p = o.number(0, 1); }},
    {"repeat_penalty",
     [](Answer& s, const Option& o) { s.sampling.repeat_penalty = o.number(0.01, 100); }},
    {"repeat_last_n", [](Answer& s, const Option& o) { s.sampling.repeat_last_n = o.whole(-1); }},
    {"presence_penalty",
     [](Answer& s, const Option& o) { s.sampling.presence_penalty = o.number(-100, 100); }},
    {"frequency_penalty",
     [](Answer& s, const Option& o) { s.sampling.frequency_penalty = o.number(-100, 100); }},
    {"seed", set_seed},
    {"num_predict", set_tokens_max},
    {"stop", [](Answer& s, const Option& o) { s.stop = o.strings(); }},
};

constexpr OptionRow<LoadSettings> kLoadOptions[] = {
    {"num_ctx", [](LoadSettings& s, const Option& o) { s.context = o.whole(0); }},
    {"num_thread", [](LoadSettings& s, const Option& o) { s.threads = o.whole(0); }},
    {"num_batch", [](LoadSettings& s, const Option& o) { s.batch_tokens = o.whole(1); }},
};

}  // namespace

AnswerSettings resolve_options(const ModelParameters& defaults, const ModelParameters& model,
                               const ModelParameters& request) {
  AnswerSettings settings;
  for (const auto& row : kAnswerOptions)
    for (const ModelParameters* source : {&request, &model, &defaults})
      if (const auto found = source->find(row.name); found != source->end()) {
        row.set(settings, Option(row.name, found->second));
        break;
      }
  return settings;
}

LoadSettings resolve_load_options(const ModelParameters& parameters) {
  LoadSettings settings;
  for (const auto& row : kLoadOptions)
    if (const auto found = parameters.find(row.name); found != parameters.end())
      row.set(settings, Option(row.name, found->second));
  return settings;
}

}  // namespace hearth::serve
