// Templates against the texts that Python's jinja2 gives, stored by
// tests/templates/make_expected.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "hearth/base/error.h"
#include "hearth/llm/tokenizer/chat_template.h"

namespace hearth::llm {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using testing::HasSubstr;

constexpr int64_t kNow = 1753963200;  // NOW_UNIX_S of make_expected.py

const fs::path kTests = fs::path(HEARTH_SOURCE_DIR) / "tests/templates";
const fs::path kPublished = fs::path(HEARTH_SOURCE_DIR) / "../shared/data/templates";

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

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

TemplateValue::Dict to_dict(const Json& json) {
  return std::get<TemplateValue::Dict>(to_value(json).data);
}

// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), with the length in front.
std::string hash_of(std::string_view text) {
  uint64_t value = 0xCBF29CE484222325;
  for (const char byte : text) value = (value ^ static_cast<unsigned char>(byte)) * 0x100000001B3;
  return fmt::format("{}:{:016x}", text.size(), value);
}

struct Outcome {
  std::string text;
  std::optional<Error> error;
  bool parsed = false;
};

Outcome run(const std::string& source, const TemplateValue::Dict& globals) {
  Outcome outcome;
  try {
    const ChatTemplate chat(source);
    outcome.parsed = true;
    outcome.text = chat.render(globals, kNow);
  } catch (const Error& error) {
    outcome.error = error;
  }
  return outcome;
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
