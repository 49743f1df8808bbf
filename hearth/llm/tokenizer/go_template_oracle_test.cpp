// Templates against the texts that Go's own text/template gives, stored by
// tests/templates/make_go_expected.go.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/go_template.h"

namespace hearth::llm {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int64_t kNow = 1753963200;  // nowUnixS of make_go_expected.go

TemplateValue to_value(const Json& json) {
  if (json.is_null()) return {};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) {
    TemplateValue::List list;
    for (const Json& item : json) list.push_back(to_value(item));
    return list;
  }
  TemplateValue::Dict dict;
  for (const auto& [key, value] : json.items()) dict.emplace_back(key, to_value(value));
  return dict;
}

GoConversation to_conversation(const Json& json) {
  GoConversation conversation;
  conversation.messages = std::get<TemplateValue::List>(to_value(json["messages"]).data);
  if (json.contains("tools"))
    conversation.tools = std::get<TemplateValue::List>(to_value(json["tools"]).data);
  conversation.thinks = json["think"];
  conversation.is_think_set = json["is_think_set"];
  conversation.think_level = json["think_level"];
  return conversation;
}

struct Outcome {
  std::string text;
  std::optional<Error> error;
  bool parsed = false;
};

Outcome run(const Json& table, const Json& c) {
  Outcome outcome;
  try {
    const GoTemplate parsed(c["template"].get<std::string>());
    outcome.parsed = true;
    outcome.text =
        c.contains("conversation")
            ? parsed.render(to_conversation(table["conversations"][c["conversation"]]), kNow)
            : parsed.execute(std::get<TemplateValue::Dict>(to_value(table["globals"]).data), kNow);
  } catch (const Error& error) {
    outcome.error = error;
  }
  return outcome;
}

// Go finds some mistakes only when it gets there, and where Hearth finds them early that is no
// harm: so the other way round is what fails.
TEST(GoTemplateOracle, EveryTemplateRendersAsGoDoesIt) {
  std::ifstream in(fs::path(HEARTH_SOURCE_DIR) / "tests/templates/go_expected.json");
  const Json table = Json::parse(in);
  ASSERT_GE(table["cases"].size(), 400u);
  for (const Json& c : table["cases"]) {
    SCOPED_TRACE(c["name"].get<std::string>() + ": " + c["template"].get<std::string>());
    const Outcome outcome = run(table, c);
    if (!c.contains("fails")) {
      EXPECT_FALSE(outcome.error) << outcome.error->what();
      EXPECT_EQ(outcome.text, c.value("expected", std::string()));
      continue;
    }
    ASSERT_TRUE(outcome.error) << outcome.text;
    EXPECT_FALSE(c["fails"] == "parse" && outcome.parsed) << outcome.error->what();
  }
}

}  // namespace
}  // namespace hearth::llm
