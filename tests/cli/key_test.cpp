// `hearth key`: from a new key to its usage, with files in a folder of the test's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

namespace hearth::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::MatchesRegex;

class Key : public testing::Test {
 protected:
  RunResult run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "key");
    return run_hearth(arguments, {.environment = {{"HEARTH_HOME", home_.path.string()}}});
  }

  TemporaryFolder home_;
};

TEST_F(Key, AddPrintsTheSecretAloneAndListNeverShowsIt) {
  const RunResult added =
      run({"add", "anna", "--requests-per-minute", "60", "--tokens-per-day", "5000"});
  EXPECT_EQ(added.status, 0) << added.err;
  EXPECT_THAT(added.out, MatchesRegex("hearth-[0-9a-f]{64}\n"));
  EXPECT_THAT(added.err, HasSubstr("key 'anna' is added to " + home_.path.string()));
  EXPECT_THAT(added.err, HasSubstr("SIGHUP"));
  ASSERT_EQ(run({"add", "bob"}).status, 0);
  EXPECT_EQ(run({"remove", "bob"}).out, "key 'bob' is removed\n");

  const json list = json::parse(run({"list", "--json"}).out);
  ASSERT_EQ(list["keys"].size(), 2u);
  EXPECT_EQ(list["keys"][0]["name"], "anna");
  EXPECT_EQ(list["keys"][0]["requests_per_minute"], 60);
  EXPECT_EQ(list["keys"][0]["tokens_per_day"], 5000);
  EXPECT_FALSE(list["keys"][0].contains("removed"));
  EXPECT_TRUE(list["keys"][1].contains("removed"));
  const std::string text = run({"list"}).out;
  EXPECT_THAT(text, HasSubstr("NAME  CREATED"));
  EXPECT_THAT(text, HasSubstr("60        5000  -\n"));
  EXPECT_THAT(text + list.dump(), testing::Not(HasSubstr(added.out.substr(0, 71))));
}

TEST_F(Key, SaysWhatItDoesNotTake) {
  EXPECT_EQ(run({"add", "a b"}).status, 2);
  EXPECT_EQ(run({"add", "anna", "--tokens-per-day", "0"}).status, 2);
  ASSERT_EQ(run({"add", "anna"}).status, 0);
  EXPECT_EQ(run({"add", "anna"}).status, 4);
  const RunResult missing = run({"remove", "bob"});
  EXPECT_EQ(missing.status, 3);
  EXPECT_EQ(missing.err, "hearth: there is no key 'bob'; see: hearth key list\n");
}

TEST_F(Key, UsageShowsWhatTheServerWrote) {
  EXPECT_THAT(run({"usage"}).out, HasSubstr("PROMPT TOKENS"));
  AtomicFile file(home_.path / "usage.json");
  file.write(R"({"version":1,"days":{"2026-11-21":{"anna":
                {"requests":3,"prompt_tokens":40,"generated_tokens":5}}}})");
  file.commit();
  EXPECT_THAT(run({"usage"}).out, HasSubstr("2026-11-21  anna"));
  const json usage = json::parse(run({"usage", "--json"}).out)["usage"];
  EXPECT_EQ(usage, json::parse(R"([{"day":"2026-11-21","key":"anna","requests":3,
                                    "prompt_tokens":40,"generated_tokens":5}])"));
}

TEST_F(Key, AGroupExplainsItself) {
  const RunResult help = run({"--help"});
  EXPECT_THAT(help.out, HasSubstr("Usage: hearth key COMMAND"));
  for (const char* name : {"key add", "key list", "key remove", "key usage"})
    EXPECT_THAT(help.out, HasSubstr(name));
  EXPECT_EQ(run_hearth({"help", "key"}).out, help.out);
  const RunResult nothing = run({});
  EXPECT_EQ(nothing.status, 2);
  EXPECT_EQ(nothing.err, "hearth: key: one word is missing; see: hearth help key\n");
  EXPECT_THAT(run({"ad"}).err, HasSubstr("unknown command 'key ad'; did you mean key add?"));
}

TEST_F(Key, FilesLieWhereXdgSaysWithoutAFolderOfTheirOwn) {
  if (::geteuid() == 0 && fs::is_directory("/var/lib/hearth"))
    GTEST_SKIP() << "root's keys are those of the service here, /var/lib/hearth";
  const auto list = [&](std::map<std::string, std::string> environment) {
    environment["HEARTH_HOME"] = "";
    const RunResult result =
        run_hearth({"key", "list", "--json"}, {.environment = std::move(environment)});
    return json::parse(result.out)["file"].get<std::string>();
  };
  EXPECT_EQ(list({{"XDG_DATA_HOME", "/nowhere/data"}}), "/nowhere/data/hearth/keys.json");
  EXPECT_EQ(list({{"XDG_DATA_HOME", "relative"}, {"HOME", "/nowhere"}}),
            "/nowhere/.local/share/hearth/keys.json");
}

}  // namespace
}  // namespace hearth::test
