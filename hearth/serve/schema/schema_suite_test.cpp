// tests/schema/schemas.json: every answer under every schema parses, is valid and ends.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "hearth/base/files.h"
#include "hearth/serve/schema/json_schema.h"
#include "hearth/serve/schema/schema_validator_for_test.h"
#include "hearth/serve/schema/schema_walk_for_test.h"

namespace hearth::serve {
namespace {

using Json = nlohmann::ordered_json;

const Json& schemas() {
  static const Json all = Json::parse(read_file(HEARTH_SOURCE_DIR "/tests/schema/schemas.json"));
  return all;
}

Form form_of(const Json& schema, const std::shared_ptr<llm::TokenTrie>& trie) {
  return {grammar_of_schema(schema.dump()), trie};
}

// `HEARTH_SCHEMA_ANSWERS=FILE`: answers and schemas as lines, for other validators.
void keep(const Json& schema, const std::string& answer) {
  static const char* const path = std::getenv("HEARTH_SCHEMA_ANSWERS");
  if (path == nullptr) return;
  static std::ofstream file(path);
  file << Json{{"schema", schema}, {"answer", answer}}.dump() << "\n";
}

void expect_valid_answers(const Pieces& pieces, int walks) {
  const auto trie = trie_of(pieces);
  uint64_t seed = 0;
  for (const Json& entry : schemas()) {
    const Json& schema = entry["schema"];
    SCOPED_TRACE(entry["name"]);
    const Form form = form_of(schema, trie);
    for (int i = 0; i < walks; ++i) {
      Rng rng(++seed);
      const Walk walk = random_walk(form, pieces, rng, /*tokens=*/i * 25);
      ASSERT_TRUE(walk.has_ended) << walk.text;
      ASSERT_TRUE(Json::accept(walk.text)) << walk.text;
      EXPECT_EQ(violation(schema, Json::parse(walk.text)), "") << walk.text;
      keep(schema, walk.text);
    }
  }
}

TEST(SchemaSuite, HasAtLeastTwoHundredSchemas) { EXPECT_GE(schemas().size(), 200u); }

TEST(SchemaSuite, EveryAnswerInSmallTokensParsesIsValidAndEnds) {
  expect_valid_answers(small_vocabulary(), 6);
}

TEST(SchemaSuite, EveryAnswerInLargeTokensParsesIsValidAndEnds) {
  expect_valid_answers(large_vocabulary(16'000), 2);
}

TEST(SchemaSuite, DocumentsWrittenByHandAreTakenOrRefused) {
  const auto trie = trie_of(small_vocabulary());
  int documents = 0;
  for (const Json& entry : schemas()) {
    SCOPED_TRACE(entry["name"]);
    const Form form = form_of(entry["schema"], trie);
    for (const auto& text : entry.value("accepts", std::vector<std::string>{})) {
      EXPECT_TRUE(accepts(form.constraint, text)) << text;
      EXPECT_EQ(violation(entry["schema"], Json::parse(text)), "") << text;
      ++documents;
    }
    for (const auto& text : entry.value("rejects", std::vector<std::string>{})) {
      EXPECT_FALSE(accepts(form.constraint, text)) << text;
      ++documents;
    }
  }
  EXPECT_GE(documents, 150);
}

// One small change somewhere in a document.
void mutate(Json& value, Rng& rng) {
  const bool goes_in = value.is_structured() && !value.empty() && rng.below(4) != 0;
  if (goes_in)
    return mutate(*std::next(value.begin(), static_cast<int64_t>(rng.below(value.size()))), rng);
  if (value.is_object() && !value.empty() && rng.below(2) == 0) {
    value.erase(std::next(value.begin(), static_cast<int64_t>(rng.below(value.size()))));
  } else if (value.is_object()) {
    value["unheard of"] = 1;
  } else if (value.is_array() && !value.empty() && rng.below(2) == 0) {
    value.erase(value.size() - 1);
  } else if (value.is_array()) {
    value.push_back(value.empty() ? Json(7) : value.back());
  } else if (value.is_number() && rng.below(2) == 0) {
    value = value.get<double>() < 1e6 ? Json(value.get<double>() * 1000 + 0.5) : Json(-1);
  } else if (value.is_string() && rng.below(2) == 0) {
    value = value.get<std::string>() + "~ and much more";
  } else {
    const Json others[] = {nullptr, true, 3, "text", Json::array(), Json::object()};
    value = others[rng.below(std::size(others))];
  }
}

TEST(SchemaSuite, DocumentsThatAMutationMadeInvalidAreRefused) {
  const Pieces pieces = small_vocabulary();
  const auto trie = trie_of(pieces);
  int refused = 0;
  for (const Json& entry : schemas()) {
    const Json& schema = entry["schema"];
    SCOPED_TRACE(entry["name"]);
    const Form form = form_of(schema, trie);
    for (uint64_t seed = 0; seed < 12; ++seed) {
      Rng rng(seed);
      Json document = Json::parse(random_walk(form, pieces, rng, 40).text);
      mutate(document, rng);
      if (violation(schema, document).empty()) continue;
      EXPECT_FALSE(accepts(form.constraint, document.dump())) << document.dump();
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace hearth::serve
