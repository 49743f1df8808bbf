// The conversation on a terminal: keys in, screen out.
#include <gtest/gtest.h>

#include <optional>

#include "tests/cli/program.h"

namespace hearth::test {
namespace {

constexpr const char* kPrompt = ">>> ";
constexpr const char* kCtrlC = "\x03";
constexpr const char* kCtrlD = "\x04";

class Repl : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_terminals()) GTEST_SKIP() << kNoTerminals;
  }
  // `hearth run`, greedy, with a history of its own, up to its first prompt.
  TerminalRun& talk(std::vector<std::string> more = {}, const std::string& model = "tales") {
    std::vector<std::string> arguments = {"run", model, "--temperature", "0"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    run_.emplace(arguments, std::map<std::string, std::string>{{"HEARTH_HOME", home_.path}});
    EXPECT_TRUE(run_->shows(kPrompt)) << run_->screen();
    return *run_;
  }
  void leave() {
    run_->type("/bye\n");
    EXPECT_EQ(run_->wait(), 0) << run_->screen();
  }

  TemporaryFolder home_;
  std::optional<TerminalRun> run_;
};

TEST_F(Repl, GreetsAnswersAndLeaves) {
  TerminalRun& run = talk({"--num-predict", "5"});
  EXPECT_TRUE(run.screen().starts_with(
      "tales: 5.8 M parameters, Q8_0, context 256. /? for help, /bye to leave.\r\n"));
  run.type("The fox said\n");
  ASSERT_TRUE(run.shows(kPrompt)) << run.screen();
  leave();
}

TEST_F(Repl, CtrlDLeaves) {
  TerminalRun& run = talk();
  run.type(kCtrlD);
  EXPECT_EQ(run.wait(), 0);
}

TEST_F(Repl, CtrlCStopsTheAnswerAndNotTheProgram) {
  TerminalRun& run = talk({"--context-full", "shift"});  // would never end
  run.type("Once upon a time\n");
  ASSERT_TRUE(run.shows("time\r\n"));
  ASSERT_TRUE(run.shows("a"));  // of the answer
  run.type(kCtrlC);
  ASSERT_TRUE(run.shows(kPrompt)) << run.screen();
  leave();
}

TEST_F(Repl, CtrlCAtThePromptThrowsTheLineAwayAndThenHints) {
  TerminalRun& run = talk();
  run.type("half a line");
  ASSERT_TRUE(run.shows("half a line"));
  run.type(kCtrlC);
  ASSERT_TRUE(run.shows(kPrompt));
  run.type(kCtrlC);
  ASSERT_TRUE(run.shows("Type /bye or press Ctrl-D to leave.")) << run.screen();
  ASSERT_TRUE(run.shows(kPrompt));
  leave();
}

TEST_F(Repl, SetsAndShows) {
  TerminalRun& run = talk();
  run.type("/set parameter top_k 7 \n/set parameter num_ctx 64\n/show parameters\n");
  EXPECT_TRUE(run.shows("top_k              7")) << run.screen();
  EXPECT_TRUE(run.shows("num_ctx            64")) << run.screen();
  run.type("/set parameter stop once\n/set parameter stop upon\n/show parameters\n");
  EXPECT_TRUE(run.shows("stop               \"once\" \"upon\"\r\n")) << run.screen();
  run.type("/set parameter stop\n/show parameters\n");
  EXPECT_TRUE(run.shows("stop               -\r\n")) << run.screen();
  run.type("/set system Be kind.\n/show system\n");
  EXPECT_TRUE(run.shows("\nBe kind.")) << run.screen();
  run.type("/show info\n");
  EXPECT_TRUE(run.shows("architecture         llama"));
  run.type("/show template\n");
  EXPECT_TRUE(run.shows("{% for message in messages %}"));
  run.type("/show licence\n");
  EXPECT_TRUE(run.shows("cc0-1.0"));
  run.type("/?\n");
  EXPECT_TRUE(run.shows("/set parameter NAME VALUE"));
  run.type("/clear\n");
  EXPECT_TRUE(run.shows("The conversation is forgotten."));
}

TEST_F(Repl, NamesWhatIsWrongAndGoesOn) {
  TerminalRun& run = talk();
  run.type("/shwo\n");
  EXPECT_TRUE(run.shows("hearth: unknown command /shwo; did you mean /show?; see /?"));
  run.type("/set sistem x\n");
  EXPECT_TRUE(run.shows("hearth: unknown command /set sistem; did you mean system?; see /?"));
  run.type("/show\n");
  EXPECT_TRUE(run.shows("hearth: /show what? See /?"));
  run.type("/set parameter top_k\n");
  EXPECT_TRUE(run.shows("hearth: /set parameter needs a name and a value"));
  run.type("/set parameter topk 5\n");
  EXPECT_TRUE(run.shows("hearth: unknown parameter 'topk'; did you mean top_k?"));
  run.type("/set parameter top_p 5\n");
  EXPECT_TRUE(run.shows("hearth: top_p: 5 is out of range, must be 0 to 1"));
  leave();
}

TEST_F(Repl, TakesPromptsOfSeveralLines) {
  TerminalRun& run = talk({"--num-predict", "3", "--verbose"});
  run.type("\"\"\"The fox\n");
  ASSERT_TRUE(run.shows("... "));
  run.type("said\"\"\"\n");
  // BOS, "The", " fox", the line break, "s", "aid": the marks are not part of it.
  EXPECT_TRUE(run.shows("prompt eval count:     6 token(s)")) << run.screen();
  ASSERT_TRUE(run.shows(kPrompt));
  run.type("\"\"\"/bye\"\"\"\n");  // a prompt, because of the marks
  ASSERT_TRUE(run.shows("eval count:")) << run.screen();
  ASSERT_TRUE(run.shows(kPrompt));
  run.type("\x10");  // Ctrl-P: as it was typed, so that it is a prompt again
  EXPECT_TRUE(run.shows("\"\"\"/bye\"\"\"")) << run.screen();
}

TEST_F(Repl, AContextThatCannotBeLeavesTheOneThatIs) {
  TerminalRun& run = talk({"--num-predict", "3"});
  run.type("/set parameter num_ctx 300\n");
  ASSERT_TRUE(run.shows("hearth: context: 300 is not between 2 and 256")) << run.screen();
  run.type("/show parameters\n");
  EXPECT_TRUE(run.shows("num_ctx            256")) << run.screen();
  ASSERT_TRUE(run.shows(kPrompt));
  run.type("The fox said\n");
  ASSERT_TRUE(run.shows(kPrompt));
  leave();
}

TEST_F(Repl, AnErrorAmidAnAnswerStandsOnALineOfItsOwn) {
  TerminalRun& run = talk({"--ctx", "32", "--context-full", "error"});
  run.type("Once upon a time\n");
  EXPECT_TRUE(run.shows("\nhearth: ")) << run.screen();
  EXPECT_TRUE(run.shows("32 positions")) << run.screen();
  ASSERT_TRUE(run.shows(kPrompt));
  leave();
}

TEST_F(Repl, KeepsTheConversationUntilItIsCleared) {
  TerminalRun& run = talk({"--num-predict", "3", "--verbose"});
  run.type("The fox said\n");
  EXPECT_TRUE(run.shows("load duration:")) << run.screen();
  EXPECT_TRUE(run.shows("prompt eval count:     4 token(s)")) << run.screen();  // BOS, three words
  ASSERT_TRUE(run.shows(kPrompt));
  const size_t first_end = run.screen().size();
  run.type("The fox said\n");
  ASSERT_TRUE(run.shows("prompt eval count:     ")) << run.screen();
  ASSERT_TRUE(run.shows(" token(s)"));
  const size_t end = run.screen().rfind("prompt eval count:");
  EXPECT_GE(std::stoi(run.screen().substr(end + 18)), 10);  // two questions and an answer
  EXPECT_EQ(run.screen().find("load duration:", first_end), std::string::npos);  // paid for once
  ASSERT_TRUE(run.shows(kPrompt));
  run.type("/clear\n");
  ASSERT_TRUE(run.shows(kPrompt));
  run.type("The fox said\n");
  EXPECT_TRUE(run.shows("prompt eval count:     4 token(s)")) << run.screen();
}

TEST_F(Repl, ForgetsTheOldestTurnsWhenTheConversationOutgrowsTheContext) {
  TerminalRun& run = talk({"--ctx", "32"});
  run.type("The fox said\n");
  ASSERT_TRUE(
      run.shows("hearth: the answer ends here, because the context of 32 positions is full"));
  ASSERT_TRUE(run.shows(kPrompt));
  run.type("The wolf said\n");
  EXPECT_TRUE(
      run.shows("hearth: the conversation outgrew the context of 32 positions: its oldest 2 "
                "messages are forgotten"))
      << run.screen();
}

TEST_F(Repl, KeepsTheHistoryForTheNextTime) {
  TerminalRun& first = talk();
  first.type("/show licence\n");
  ASSERT_TRUE(first.shows("cc0-1.0"));
  first.type("/set nohistory\n/show system\n");
  ASSERT_TRUE(first.shows("none"));
  leave();
  const fs::path history = home_.path / "history";
  ASSERT_TRUE(fs::exists(history));
  EXPECT_EQ(fs::status(history).permissions() & fs::perms::mask,
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(read_file(history).find("system"), std::string::npos);

  TerminalRun& run = talk();
  run.type("\x10");  // Ctrl-P: the entry before
  EXPECT_TRUE(run.shows("/set nohistory")) << run.screen();
  run.type("\x10");
  EXPECT_TRUE(run.shows("licence")) << run.screen();
  run.type("\n");
  EXPECT_TRUE(run.shows("cc0-1.0"));
}

TEST_F(Repl, EditsUtf8) {
  TerminalRun& run = talk();
  run.type("/set system Käse");
  run.type("\x7f\x7f\x7fäfer\n/show system\n");  // three characters back, two of them one byte
  EXPECT_TRUE(run.shows("\nKäfer")) << run.screen();
}

TEST(OnePrompt, JsonIsForPrograms) {
  if (!has_terminals()) GTEST_SKIP() << kNoTerminals;
  TerminalRun run({"run", "--json"});
  EXPECT_TRUE(run.shows("hearth: --json needs a prompt"));
  EXPECT_EQ(run.wait(), 2);
}

TEST_F(Repl, AModelWithoutTemplateContinuesWhatIsTyped) {
  const fs::path model = shared_file("models/stories260K/stories260K.gguf");
  if (model.empty()) GTEST_SKIP() << "../shared/data is not here";
  TerminalRun& run = talk({"--num-predict", "4"}, model);
  EXPECT_NE(run.screen().find("it continues the text you type"), std::string::npos);
  run.type("Lily saw\n");
  EXPECT_TRUE(run.shows("\nLily saw")) << run.screen();  // the text begins with what was typed
  EXPECT_TRUE(run.shows(kPrompt));
  run.type("/set system x\n");
  EXPECT_TRUE(run.shows("hearth: this model has no chat template"));
}

TEST(OnePrompt, CtrlCEndsItWithStatus130) {
  if (!has_terminals()) GTEST_SKIP() << kNoTerminals;
  TerminalRun run(
      {"run", "tales", "Once upon a time", "--context-full", "shift"});  // would never end
  ASSERT_TRUE(run.shows(" "));
  run.type(kCtrlC);
  EXPECT_EQ(run.wait(), 130);
  EXPECT_TRUE(run.screen().ends_with("\r\n")) << run.screen();
}

}  // namespace
}  // namespace hearth::test
