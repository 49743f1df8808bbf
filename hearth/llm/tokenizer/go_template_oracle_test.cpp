// Templates against the texts that Go's own text/template gives, stored by
// tests/templates/make_go_expected.go.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "hearth/llm/tokenizer/go_template.h"
#include "hearth/llm/tokenizer/template_testing.h"

namespace hearth::llm {
namespace {

namespace fs = std::filesystem;

GoConversation to_conversation(const Json& json) {
  GoConversation conversation;
  conversation.messages = to_list(json["messages"]);
  if (json.contains("tools")) conversation.tools = to_list(json["tools"]);
  conversation.thinks = json["think"];
  conversation.is_think_set = json["is_think_set"];
  conversation.think_level = json["think_level"];
  return conversation;
}

Outcome run(const Json& table, const Json& c) {
  return run_template<GoTemplate>(c["template"], [&](const GoTemplate& parsed) {
    if (!c.contains("conversation")) return parsed.execute(to_dict(table["globals"]), kNow);
    return parsed.render(to_conversation(table["conversations"][c["conversation"]]), kNow);
  });
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
