// The verbs about models of the store, without a daemon: in the program's own process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/program.h"

namespace hearth::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

/// A store of its own, which begins with the built-in model, as "tales" and as "mine".
class StoreVerbs : public testing::Test {
 protected:
  StoreVerbs() { EXPECT_EQ(run({"cp", "tales", "mine"}).status, 0); }

  RunResult run(const std::vector<std::string>& arguments) const {
    return run_hearth(arguments, {.environment = {{"HEARTH_HOME", home_.path.string()}}});
  }

 private:
  TemporaryFolder home_;
};

TEST_F(StoreVerbs, ListsAndForgetsNames) {
  EXPECT_THAT(run({"ls"}).out, HasSubstr("mine:latest"));
  EXPECT_EQ(run({"rm", "mine"}).status, 0);
  EXPECT_THAT(run({"list", "mine"}).out, testing::Not(HasSubstr("mine:latest")));
}

TEST_F(StoreVerbs, SayThatNoDaemonHasAnythingLoaded) {
  const RunResult ps = run({"ps"});
  EXPECT_EQ(ps.err, "hearth: no daemon answers at http://127.0.0.1:1, so nothing is loaded\n");
  EXPECT_EQ(ps.status, 0);
  EXPECT_EQ(run({"stop", "mine"}).status, 8);
}

TEST_F(StoreVerbs, ARunTakesSecondsAndDurationsToKeepTheModel) {
  for (const char* time : {"-1", "300", "5m"}) {
    const RunResult answer =
        run({"run", "mine", "Once", "--num-predict", "2", "--keepalive", time});
    EXPECT_EQ(answer.status, 0) << time << ": " << answer.err;
  }
  EXPECT_THAT(run({"run", "mine", "Once", "--keepalive", "soon"}).err, HasSubstr("keep_alive"));
}

TEST_F(StoreVerbs, AFormThatIsNoneIsWrongUsage) {
  for (const char* form : {"{bad", "[1]", "jsn"}) {
    const RunResult answer = run({"run", "mine", "Once", "--format", form});
    EXPECT_EQ(answer.status, 2) << form;
    EXPECT_THAT(answer.err, HasSubstr("--format: neither \"json\" nor a JSON Schema")) << form;
  }
}

TEST_F(StoreVerbs, CreateSaysWhereItLooksForAModelfile) {
  const TemporaryFolder empty;
  const RunResult create = run_hearth({"create", "x"}, {.folder = empty.path});
  EXPECT_EQ(create.status, 3);
  EXPECT_THAT(create.err, HasSubstr("no Modelfile in this folder: --file names another"));
}

// What was meant for another machine must not be done to this one's models.
TEST_F(StoreVerbs, AnotherMachineThatDoesNotAnswerIsNotReplacedByThisOne) {
  for (const char* verb : {"rm", "show"}) {
    const RunResult result =
        run_hearth({verb, "mine"}, {.environment = {{"HEARTH_HOST", "0.0.0.1:1"}}});
    EXPECT_EQ(result.status, 8) << verb;
    EXPECT_THAT(result.err, HasSubstr("no daemon answers at http://0.0.0.1:1")) << verb;
    EXPECT_THAT(result.out, IsEmpty());
  }
}

}  // namespace
}  // namespace hearth::test
