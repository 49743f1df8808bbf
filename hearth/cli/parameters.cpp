#include "hearth/cli/parameters.h"

#include <fmt/format.h>

#include <limits>

#include "hearth/base/error.h"
#include "hearth/cli/nearest.h"
#include "hearth/cli/numbers.h"

namespace hearth::cli {
namespace {

constexpr int64_t kIntMax = std::numeric_limits<int>::max();

int whole(std::string_view name, std::string_view text, int64_t low) {
  return static_cast<int>(parse_integer(name, text, low, kIntMax));
}

float real(std::string_view name, std::string_view text, double low, double high) {
  return static_cast<float>(parse_number(name, text, low, high));
}

struct ContextFullRow {
  std::string_view name;
  llm::ContextFull value;
};
constexpr ContextFullRow kContextFull[] = {
    {"stop", llm::ContextFull::stop},
    {"error", llm::ContextFull::error},
    {"shift", llm::ContextFull::shift},
};

llm::ContextFull parse_context_full(std::string_view text) {
  for (const ContextFullRow& row : kContextFull)
    if (row.name == text) return row.value;
  throw Error(Errc::invalid_argument, "context_full: '{}' is not stop, error or shift", text);
}

std::string show_context_full(llm::ContextFull value) {
  for (const ContextFullRow& row : kContextFull)
    if (row.value == value) return std::string(row.name);
  return {};
}

std::string show_stops(const std::vector<std::string>& stops) {
  std::string text;
  for (const std::string& stop : stops)
    text += fmt::format("{}\"{}\"", text.empty() ? "" : " ", stop);
  return text.empty() ? "-" : text;
}

}  // namespace

using Settings = GenerateSettings;
using Text = std::string_view;

constinit const std::array<Parameter, kParameterCount> kParameters = {{
    {"temperature",
     {"--temperature", "T", "How freely tokens are drawn; 0 always takes the likeliest (0.8)"},
     [](Settings& s, Text t) { s.sampling.temperature = real("temperature", t, 0, 100); },
     [](const Settings& s) { return fmt::format("{}", s.sampling.temperature); }},
    {"top_k",
     {"--top-k", "N", "Draw from the N likeliest tokens only; 0: from all (40)"},
     [](Settings& s, Text t) { s.sampling.top_k = whole("top_k", t, 0); },
     [](const Settings& s) { return fmt::format("{}", s.sampling.top_k); }},
    {"top_p",
     {"--top-p", "P",
      "Draw from the likeliest tokens that together have probability P; 1: from all (0.9)"},
     [](Settings& s, Text t) { s.sampling.top_p = real("top_p", t, 0, 1); },
     [](const Settings& s) { return fmt::format("{}", s.sampling.top_p); }},
    {"min_p",
     {"--min-p", "P", "Leave out tokens less likely than P times the likeliest; 0: none (0)"},
     [](Settings& s, Text t) { s.sampling.min_p = real("min_p", t, 0, 1); },
     [](const Settings& s) { return fmt::format("{}", s.sampling.min_p); }},
    {"typical_p",
     {"--typical-p", "P", "Locally typical sampling with mass P; 1: off (1)"},
     [](Settings& s, Text t) { s.sampling.typical_p = real("typical_p", t, 0, 1); },
     [](const Settings& s) { return fmt::format("{}", s.sampling.typical_p); }},
    {"repeat_penalty",
     {"--repeat-penalty", "X", "Make tokens seen lately less likely; 1: off (1)"},
     [](Settings& s, Text t) { s.sampling.repeat_penalty = real("repeat_penalty", t, 0.01, 100); },
     [](const Settings& s) { return fmt::format("{}", s.sampling.repeat_penalty); }},
    {"repeat_last_n",
     {"--repeat-last-n", "N",
      "Tokens that count as seen lately; 0: none, -1: the whole context (64)"},
     [](Settings& s, Text t) { s.sampling.repeat_last_n = whole("repeat_last_n", t, -1); },
     [](const Settings& s) { return fmt::format("{}", s.sampling.repeat_last_n); }},
    {"presence_penalty",
     {"--presence-penalty", "X", "Subtracted from the logit of a token seen lately (0)"},
     [](Settings& s, Text t) {
       s.sampling.presence_penalty = real("presence_penalty", t, -100, 100);
     },
     [](const Settings& s) { return fmt::format("{}", s.sampling.presence_penalty); }},
    {"frequency_penalty",
     {"--frequency-penalty", "X", "Subtracted once for each time a token was seen lately (0)"},
     [](Settings& s, Text t) {
       s.sampling.frequency_penalty = real("frequency_penalty", t, -100, 100);
     },
     [](const Settings& s) { return fmt::format("{}", s.sampling.frequency_penalty); }},
    {"seed",
     {"--seed", "N", "Equal seed and prompt, equal text; -1: another one each time (-1)"},
     [](Settings& s, Text t) {
       const int64_t seed = parse_integer("seed", t, -1, std::numeric_limits<int64_t>::max());
       s.seed = seed < 0 ? std::nullopt : std::optional(static_cast<uint64_t>(seed));
     },
     [](const Settings& s) { return s.seed ? fmt::format("{}", *s.seed) : std::string("-1"); }},
    {"num_predict",
     {"--num-predict", "N",
      "Tokens of an answer at most; -1: until the model ends or the context is full (-1)"},
     [](Settings& s, Text t) { s.tokens_max = whole("num_predict", t, -1); },
     [](const Settings& s) { return fmt::format("{}", s.tokens_max); }},
    {"stop",
     {"--stop", "TEXT", "Text that ends the answer; may be given several times"},
     [](Settings& s, Text t) {
       if (t.empty()) throw Error(Errc::invalid_argument, "stop: must not be empty");
       s.stop.emplace_back(t);
     },
     [](const Settings& s) { return show_stops(s.stop); }},
    {"context_full",
     {"--context-full", "WHAT",
      "When the context is full: stop, error, or shift (forget the oldest) (stop)"},
     [](Settings& s, Text t) { s.context_full = parse_context_full(t); },
     [](const Settings& s) { return show_context_full(s.context_full); }},
}};

void set_parameter(GenerateSettings& settings, std::string_view name, std::string_view text) {
  std::vector<std::string_view> names;
  for (const Parameter& parameter : kParameters) {
    if (parameter.name == name || parameter.option.name == name) {
      parameter.set(settings, text);
      settings.given.insert(parameter.name);
      return;
    }
    names.push_back(parameter.name);
  }
  throw Error(Errc::invalid_argument, "unknown parameter '{}'{}", name, did_you_mean(name, names));
}

GenerateSettings settings_from(const Args& args) {
  GenerateSettings settings;
  for (const Parameter& parameter : kParameters)
    for (const std::string& text : args.texts(parameter.option.name))
      set_parameter(settings, parameter.name, text);
  return settings;
}

}  // namespace hearth::cli
