#include "hearth/cli/parameters.h"

#include <gtest/gtest.h>

#include "hearth/base/error.h"

namespace hearth::cli {
namespace {

std::string error_of(std::string_view name, std::string_view text) {
  GenerateSettings settings;
  try {
    set_parameter(settings, name, text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Parameters, AreSetByNameAndByOption) {
  GenerateSettings settings;
  set_parameter(settings, "temperature", "0.5");
  set_parameter(settings, "--top-k", "7");
  set_parameter(settings, "top_p", "0.75");
  set_parameter(settings, "min_p", "0.25");
  set_parameter(settings, "typical_p", "0.5");
  set_parameter(settings, "repeat_penalty", "1.25");
  set_parameter(settings, "repeat_last_n", "-1");
  set_parameter(settings, "presence_penalty", "-0.5");
  set_parameter(settings, "frequency_penalty", "0.125");
  set_parameter(settings, "num_predict", "3");
  set_parameter(settings, "context_full", "shift");
  set_parameter(settings, "stop", "a");
  set_parameter(settings, "stop", "b");
  EXPECT_EQ(settings.sampling.temperature, 0.5f);
  EXPECT_EQ(settings.sampling.top_k, 7);
  EXPECT_EQ(settings.sampling.top_p, 0.75f);
  EXPECT_EQ(settings.sampling.min_p, 0.25f);
  EXPECT_EQ(settings.sampling.typical_p, 0.5f);
  EXPECT_EQ(settings.sampling.repeat_penalty, 1.25f);
  EXPECT_EQ(settings.sampling.repeat_last_n, -1);
  EXPECT_EQ(settings.sampling.presence_penalty, -0.5f);
  EXPECT_EQ(settings.sampling.frequency_penalty, 0.125f);
  EXPECT_EQ(settings.tokens_max, 3);
  EXPECT_EQ(settings.context_full, llm::ContextFull::shift);
  EXPECT_EQ(settings.stop, (std::vector<std::string>{"a", "b"}));
}

TEST(Parameters, ShowWhatIsSet) {
  GenerateSettings settings;
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"temperature", "0.5"},     {"top_k", "7"},
      {"top_p", "0.75"},          {"min_p", "0.25"},
      {"typical_p", "0.5"},       {"repeat_penalty", "1.25"},
      {"repeat_last_n", "5"},     {"presence_penalty", "1"},
      {"frequency_penalty", "2"}, {"seed", "12"},
      {"num_predict", "3"},       {"context_full", "error"},
  };
  for (const auto& [name, text] : rows) set_parameter(settings, name, text);
  for (const auto& [name, text] : rows)
    for (const Parameter& parameter : kParameters) {
      if (parameter.name != name) continue;
      EXPECT_EQ(parameter.show(settings), text) << name;
    }
}

TEST(Parameters, SeedMinusOneMeansAnotherEachTime) {
  GenerateSettings settings;
  set_parameter(settings, "seed", "9007199254740993");  // 2^53 + 1: no detour through a double
  EXPECT_EQ(settings.seed, uint64_t{9007199254740993});
  set_parameter(settings, "seed", "-1");
  EXPECT_EQ(settings.seed, std::nullopt);
}

TEST(Parameters, ErrorsNameTheParameterAndTheRange) {
  EXPECT_EQ(error_of("top_p", "2"), "top_p: 2 is out of range, must be 0 to 1");
  EXPECT_EQ(error_of("temperature", "warm"),
            "temperature: 'warm' is not a number, must be 0 to 100");
  EXPECT_EQ(error_of("temprature", "1"),
            "unknown parameter 'temprature'; did you mean temperature?");
  EXPECT_EQ(error_of("context_full", "explode"),
            "context_full: 'explode' is not stop, error or shift");
  EXPECT_EQ(error_of("stop", ""), "stop: must not be empty");
}

}  // namespace
}  // namespace hearth::cli
