// Templates against the texts that Python's jinja2 gives, stored by
// tests/templates/make_expected.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "hearth/llm/tokenizer/template_testing.h"

namespace hearth::llm {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kTests = fs::path(HEARTH_SOURCE_DIR) / "tests/templates";
const fs::path kPublished = fs::path(HEARTH_SOURCE_DIR) / "../shared/data/templates";

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), with the length in front.
std::string hash_of(std::string_view text) {
  uint64_t value = 0xCBF29CE484222325;
  for (const char byte : text) value = (value ^ static_cast<unsigned char>(byte)) * 0x100000001B3;
  return fmt::format("{}:{:016x}", text.size(), value);
}

Outcome run(const std::string& source, const TemplateValue::Dict& globals) {
  return run_template<ChatTemplate>(
      source, [&](const ChatTemplate& chat) { return chat.render(globals, kNow); });
}

TEST(ChatTemplateOracle, EveryConstructRendersAsJinja2DoesIt) {
  const Json table = Json::parse(read_text(kTests / "constructs.json"));
  const TemplateValue::Dict globals = to_dict(table["globals"]);
  ASSERT_GE(table["cases"].size(), 500u);
  for (const Json& c : table["cases"]) {
    SCOPED_TRACE(c["name"].get<std::string>() + ": " + c["template"].get<std::string>());
    const Outcome outcome = run(c["template"], globals);
    if (!c.contains("fails")) {
      EXPECT_FALSE(outcome.error) << outcome.error->what();
      EXPECT_EQ(outcome.text, c["expected"].get<std::string>());
      continue;
    }
    EXPECT_TRUE(outcome.error) << outcome.text;
    if (!outcome.error) continue;
    EXPECT_EQ(outcome.parsed, c["fails"] == "render") << outcome.error->what();
    EXPECT_THAT(outcome.error->what(), HasSubstr(c.value("message", std::string())));
  }
}

TEST(ChatTemplateOracle, PublishedTemplatesRenderAsJinja2DoesIt) {
  if (!fs::exists(kPublished)) GTEST_SKIP() << "no published templates at " << kPublished;
  const Json conversations = Json::parse(read_text(kTests / "conversations.json"));
  const Json tools = Json::parse(read_text(kTests / "tools.json"));
  const Json expected = Json::parse(read_text(kTests / "published_expected.json"));
  for (const auto& [file, rows] : expected.items()) {
    if (!fs::exists(kPublished / file)) continue;
    const std::string source = read_text(kPublished / file);
    for (const Json& conversation : conversations)
      for (const bool prompt : {true, false}) {
        const std::string name =
            conversation["name"].get<std::string>() + (prompt ? "+prompt" : "");
        SCOPED_TRACE(file + " " + name);
        Json globals = conversation["globals"];
        globals.update(
            {{"bos_token", "<s>"}, {"eos_token", "</s>"}, {"add_generation_prompt", prompt}});
        if (conversation.contains("tools")) globals["tools"] = tools;
        const Outcome outcome = run(source, to_dict(globals));
        const auto want = rows.at(name).get<std::string>();
        const bool raises = want.starts_with("raises ");
        if (!raises && want != "fails") {
          EXPECT_FALSE(outcome.error) << outcome.error->what();
          EXPECT_EQ(hash_of(outcome.text), want) << outcome.text;
          continue;
        }
        EXPECT_TRUE(outcome.error) << outcome.text;
        const std::string message = outcome.error ? outcome.error->what() : "";
        EXPECT_THAT(message, HasSubstr(raises ? want.substr(7) : std::string()));
      }
  }
}

}  // namespace
}  // namespace hearth::llm
