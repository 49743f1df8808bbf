#include "hearth/serve/daemon/serve_options.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

class ServeOptionsTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const ServeSetting& setting : serve_settings())
      for (const char* prefix : {"HEARTH_", "OLLAMA_"})
        unsetenv((prefix + std::string(setting.variable)).c_str());
    unsetenv("OLLAMA_MODELS");
  }
  void TearDown() override { SetUp(); }

  static ServeOptions read() { return options_from_environment("/home/of/hearth"); }
};

void set(ServeOptions& options, std::string_view name, std::string_view text) {
  for (const ServeSetting& setting : serve_settings())
    if (setting.name == name) return setting.set(options, text);
  FAIL() << "no setting " << name;
}

TEST_F(ServeOptionsTest, WithoutAnyVariableTheStoreIsBesideTheState) {
  const ServeOptions options = read();
  EXPECT_EQ(options.models, "/home/of/hearth/models");
  EXPECT_TRUE(options.listen.empty());
  EXPECT_EQ(options.keep_alive, std::chrono::minutes(5));
}

TEST_F(ServeOptionsTest, OllamasVariablesCountAndHearthsWin) {
  setenv("OLLAMA_HOST", "0.0.0.0:8080", 1);
  setenv("OLLAMA_MODELS", "/ollamas", 1);
  setenv("OLLAMA_KEEP_ALIVE", "-1", 1);
  setenv("OLLAMA_NUM_PARALLEL", "7", 1);
  ServeOptions options = read();
  ASSERT_EQ(options.listen.size(), 1u);
  EXPECT_EQ(options.listen[0].url(), "http://0.0.0.0:8080");
  EXPECT_EQ(options.models, "/ollamas");
  EXPECT_EQ(options.keep_alive, std::chrono::seconds(-1));
  EXPECT_EQ(options.parallel, 7);
  setenv("HEARTH_NUM_PARALLEL", "3", 1);
  setenv("HEARTH_STORE", "/ours", 1);
  options = read();
  EXPECT_EQ(options.parallel, 3);
  EXPECT_EQ(options.models, "/ours");
}

TEST_F(ServeOptionsTest, TheStoreIsPrunedUnlessOllamasVariableSaysNo) {
  EXPECT_FALSE(read().no_prune);
  setenv("OLLAMA_NOPRUNE", "1", 1);
  EXPECT_TRUE(read().no_prune);
  setenv("OLLAMA_NOPRUNE", "0", 1);
  EXPECT_FALSE(read().no_prune);
  ServeOptions options;
  set(options, "noprune", "");  // the switch of the command line
  EXPECT_TRUE(options.no_prune);
}

TEST_F(ServeOptionsTest, AVariableThatIsOnlyHearthsIsNotReadFromOllama) {
  setenv("OLLAMA_DRAIN", "1s", 1);
  EXPECT_EQ(read().drain, std::chrono::seconds(30));
  unsetenv("OLLAMA_DRAIN");
}

TEST_F(ServeOptionsTest, ValuesAreReadInAllTheirForms) {
  ServeOptions options;
  set(options, "keep-alive", "1h30m");
  EXPECT_EQ(options.keep_alive, std::chrono::minutes(90));
  set(options, "keep-alive", "600");
  EXPECT_EQ(options.keep_alive, std::chrono::minutes(10));
  set(options, "origins", "https://a.example,,https://*.b.example");
  EXPECT_EQ(options.origins,
            (std::vector<std::string>{"https://a.example", "https://*.b.example"}));
  set(options, "insecure", "true");
  EXPECT_TRUE(options.insecure);
}

TEST_F(ServeOptionsTest, WrongValuesAreNamedWithTheirVariableAndLimits) {
  const std::pair<const char*, const char*> rows[] = {
      {"HEARTH_NUM_PARALLEL", "0"},           {"HEARTH_NUM_PARALLEL", "many"},
      {"HEARTH_KEEP_ALIVE", "soon"},          {"HEARTH_LOAD_TIMEOUT", "0"},
      {"HEARTH_KV_CACHE_TYPE", "q4_0"},       {"HEARTH_HOST", "host:port"},
      {"HEARTH_MAX_QUEUE", "100001"},         {"HEARTH_KEEP_ALIVE", "99999999999999999999"},
      {"HEARTH_KEEP_ALIVE", "9999999999999"}, {"HEARTH_DRAIN", "25h"}};
  for (const auto& [name, text] : rows) {
    setenv(name, text, 1);
    try {
      read();
      ADD_FAILURE() << name << "=" << text;
    } catch (const Error& error) {
      EXPECT_TRUE(std::string_view(error.what()).starts_with(std::string(name) + ": "))
          << error.what();
    }
    unsetenv(name);
  }
}

}  // namespace
}  // namespace hearth::serve
