// `hearth run` without a terminal: prompts from arguments and pipes, text and JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/program.h"

namespace hearth::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<json> lines_of(const std::string& text) {
  std::vector<json> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    lines.push_back(json::parse(text.substr(begin, end - begin), nullptr, false));
    begin = end + 1;
  }
  return lines;
}

std::vector<std::string> greedy(std::vector<std::string> words) {
  words.insert(words.end(), {"--temperature", "0", "--num-predict", "12"});
  return words;
}

TEST(Run, ContinuesTheEmptyPromptAsTheCardOfTheModelSays) {
  const fs::path model = shared_file("models/stories260K/stories260K.gguf");
  if (model.empty()) GTEST_SKIP() << "../shared/data is not here";
  const RunResult result = run_hearth({"run", model, "", "--temperature", "0"});
  // models/stories260K/stories260K.md, greedy sampling.
  EXPECT_THAT(result.out,
              StartsWith("Once upon a time, there was a little girl named Lily. She loved to play "
                         "outside in the park. One day, she saw a big, red ball. She wanted to "
                         "play with it, but it was too high.\n"));
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr("context of"));
}

TEST(Run, TakesThePromptFromAPipe) {
  const RunResult argument = run_hearth(greedy({"run", "tales", "The fox said"}));
  ASSERT_EQ(argument.status, 0) << argument.err;
  EXPECT_GT(argument.out.size(), 10u);
  EXPECT_TRUE(argument.out.ends_with('\n'));
  EXPECT_EQ(argument.err, "");
  EXPECT_EQ(run_hearth(greedy({"run", "tales", "The", "fox", "said"})).out, argument.out);
  EXPECT_EQ(run_hearth(greedy({"run"}), {.input = "The fox said"}).out, argument.out);
  EXPECT_EQ(run_hearth(greedy({"run"}), {.input = "The fox said\n"}).out, argument.out);
}

TEST(Run, JoinsArgumentAndPipe) {
  const RunResult joined = run_hearth(greedy({"run", "tales", "The fox"}), {.input = "said\n"});
  EXPECT_EQ(joined.out, run_hearth(greedy({"run", "tales", "The fox\nsaid"})).out);
}

TEST(Run, DoesNotWaitForASilentPipeWhenItHasAPrompt) {
  const RunResult result =
      run_hearth(greedy({"run", "tales", "The fox said"}), {.input_stays_open = true});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, run_hearth(greedy({"run", "tales", "The fox said"})).out);
  EXPECT_EQ(result.err, "hearth: standard input is a silent pipe: not waited for\n");
}

TEST(Run, AsksTheBuiltInModelWhereThePromptStandsInPlaceOfAModel) {
  const std::string expected = run_hearth(greedy({"run", "tales", "The fox said"})).out;
  const RunResult quoted = run_hearth(greedy({"run", "The fox said"}));
  EXPECT_EQ(quoted.out, expected);
  EXPECT_EQ(quoted.err, "");
  EXPECT_EQ(quoted.status, 0);
  EXPECT_EQ(run_hearth(greedy({"run", "The fox", "said"})).out, expected);
  EXPECT_EQ(run_hearth(greedy({"run", "The fox"}), {.input = "said"}).out,
            run_hearth(greedy({"run", "tales", "The fox\nsaid"})).out);
  // Slashes and dashes belong to prompts too.
  EXPECT_EQ(run_hearth(greedy({"run", "and/or not"})).status, 0);
  EXPECT_EQ(run_hearth(greedy({"run", "- a list"})).status, 0);
}

TEST(Run, TakesAModelWhoseNameHasASpace) {
  const TemporaryFolder folder;
  fs::copy_file(fs::path(HEARTH_SOURCE_DIR) / "models/tales.gguf", folder.path / "my tales.gguf");
  const RunOptions options = {.environment = {{"HEARTH_MODELS", folder.path}}};
  const std::string expected = run_hearth(greedy({"run", "tales", "The fox said"})).out;
  EXPECT_EQ(run_hearth(greedy({"run", "my tales", "The fox said"}), options).out, expected);
  EXPECT_EQ(run_hearth(greedy({"run", folder.path / "my tales.gguf", "The fox said"})).out,
            expected);
}

TEST(Run, WithoutTerminalAndPromptTellsOneTale) {
  const std::string expected = run_hearth(greedy({"run", "tales", "Once upon a time"})).out;
  const std::string note = "hearth: no terminal and no prompt: continuing \"Once upon a time\"\n";
  const RunResult result = run_hearth(greedy({"run"}));
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.err, note);
  EXPECT_EQ(result.out, expected);
  if (!has_terminals()) GTEST_SKIP() << kNoTerminals;
  // A conversation whose answers go to a file would be one with a blank screen.
  const RunResult redirected = run_hearth(greedy({"run"}), {.input_is_terminal = true});
  EXPECT_EQ(redirected.err, note);
  EXPECT_EQ(redirected.out, expected);
}

TEST(Run, JsonHasTheShapeOfOllamasChunks) {
  const std::vector<std::string> words = greedy({"run", "tales", "The fox said"});
  std::vector<std::string> with_json = words;
  with_json.push_back("--json");
  const std::vector<json> lines = lines_of(run_hearth(with_json).out);
  ASSERT_GE(lines.size(), 2u);
  std::string text;
  for (const json& line : lines) {
    EXPECT_EQ(line["model"], "tales");
    EXPECT_TRUE(line["created_at"].is_string());
    EXPECT_EQ(line["done"], &line == &lines.back());
    text += line["response"];
  }
  EXPECT_EQ(text + "\n", run_hearth(words).out);
  const json& last = lines.back();
  EXPECT_EQ(last["done_reason"], "length");
  EXPECT_EQ(last["end_reason"], "token_limit");
  EXPECT_EQ(last["eval_count"], 12);
  EXPECT_EQ(last["prompt_eval_count"], 4);  // BOS and three words
  for (const char* name :
       {"total_duration", "load_duration", "prompt_eval_duration", "eval_duration"})
    EXPECT_GT(last[name].get<int64_t>(), 0) << name;
}

TEST(Run, NoTokensAskedForIsNoEndOfTheModels) {
  const RunResult result = run_hearth({"run", "tales", "The fox said", "--num-predict", "0"});
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.status, 0);
}

TEST(Run, EqualSeedsGiveEqualTexts) {
  const auto told = [](const std::string& seed) {
    return run_hearth({"run", "tales", "Once", "--seed", seed, "--num-predict", "24"}).out;
  };
  EXPECT_EQ(told("7"), told("7"));
  EXPECT_NE(told("7"), told("8"));
}

TEST(Run, StopTextEndsTheAnswerAndIsNotPrinted) {
  const std::string whole = run_hearth(greedy({"run", "tales", "The fox said"})).out;
  const std::string stop = whole.substr(8, 3);
  std::vector<std::string> words = greedy({"run", "tales", "The fox said", "--json"});
  words.insert(words.end(), {"--stop", stop});
  const std::vector<json> lines = lines_of(run_hearth(words).out);
  std::string text;
  for (const json& line : lines) text += line["response"];
  EXPECT_EQ(text, whole.substr(0, whole.find(stop)));
  EXPECT_EQ(lines.back()["done_reason"], "stop");
  EXPECT_EQ(lines.back()["end_reason"], "stop_string");
}

TEST(Run, SaysWhenTheContextIsFull) {
  const std::vector<std::string> words = {
      "run", "tales", "Once upon a time", "--ctx", "32", "--temperature", "0", "--context-full"};
  const auto with = [&](const std::string& what, std::vector<std::string> more = {}) {
    std::vector<std::string> all = words;
    all.push_back(what);
    all.insert(all.end(), more.begin(), more.end());
    return run_hearth(all);
  };
  const RunResult stopped = with("stop");
  EXPECT_EQ(stopped.status, 0);
  EXPECT_EQ(stopped.err,
            "hearth: the answer ends here, because the context of 32 positions is full "
            "(context-full shift would forget the oldest and go on)\n");
  const RunResult failed = with("error");
  EXPECT_EQ(failed.status, 7);
  EXPECT_EQ(failed.out, stopped.out);  // what was told before, and its line ended
  const RunResult shifted = with("shift", {"--num-predict", "60"});
  EXPECT_EQ(shifted.status, 0);
  EXPECT_THAT(shifted.err, HasSubstr("its older half was forgotten"));
  EXPECT_GT(shifted.out.size(), stopped.out.size());
}

TEST(Run, APromptLongerThanTheContextIsAnError) {
  std::string prompt;
  for (int i = 0; i < 300; ++i) prompt += "fox ";
  const RunResult result = run_hearth({"run", "tales", prompt});
  EXPECT_EQ(result.status, 10);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("256"));
}

TEST(Run, VerbosePrintsTimingsOnStandardError) {
  std::vector<std::string> words =
      greedy({"run", "tales", "The fox said", "--verbose", "--seed", "3"});
  const RunResult result = run_hearth(words);
  for (const char* row :
       {"total duration:", "load duration:", "prompt eval count:", "prompt eval rate:",
        "\neval count:            12 token(s)\n", "eval rate:", "\nseed:                  3\n"})
    EXPECT_THAT(result.err, HasSubstr(row));
  EXPECT_EQ(result.out, run_hearth(greedy({"run", "tales", "The fox said"})).out);
}

TEST(Run, ATemplateFileShapesThePrompt) {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "template.jinja";
  AtomicFile writer(file);
  writer.write("{% for m in messages %}{{ m.role }} asks: {{ m.content }}{% endfor %}");
  writer.commit();
  const RunResult shaped = run_hearth(greedy({"run", "tales", "why?", "--template", file}));
  EXPECT_EQ(shaped.out, run_hearth(greedy({"run", "tales", "user asks: why?", "--raw"})).out);
  const RunResult system =
      run_hearth(greedy({"run", "tales", "why?", "--template", file, "--system", "Be kind."}));
  EXPECT_EQ(
      system.out,
      run_hearth(greedy({"run", "tales", "system asks: Be kind.user asks: why?", "--raw"})).out);
}

TEST(Run, NamesWhatIsWrong) {
  const auto expect_error = [](std::vector<std::string> words, int status,
                               const std::string& line) {
    words.insert(words.begin(), "run");
    const RunResult result = run_hearth(words);
    EXPECT_EQ(result.err, "hearth: " + line + "\n");
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.status, status);
  };
  expect_error(
      {"Once", "upon", "a", "time"}, 3,
      "no model 'Once': it is neither a file nor one of the models here (tales); hearth pull "
      "Once fetches one of that name, and a prompt without a model stands in quotes: "
      "hearth run \"…\"");
  expect_error({"my models/tales.gguf", "x"}, 3, "my models/tales.gguf: no such file");
  expect_error({"tales", "x", "--temperature", "warm"}, 2,
               "temperature: 'warm' is not a number, must be 0 to 100");
  expect_error({"tales", "x", "--raw", "--system", "y"}, 2,
               "--raw continues the prompt as it is: not with --template or --system");
  expect_error({"tales", "x", "--template", "/nowhere"}, 3,
               "/nowhere: cannot be opened: No such file or directory");
  const fs::path plain = shared_file("models/stories260K/stories260K.gguf");
  if (plain.empty()) GTEST_SKIP() << "../shared/data is not here";
  expect_error({plain, "x", "--system", "y"}, 2,
               "--system: " + plain.string() + " has no chat template, so nothing would read it");
}

TEST(Run, RefusesAContextBeyondTheTrainedOne) {
  const RunResult result = run_hearth(greedy({"run", "tales", "Once", "--ctx", "300"}));
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("256, the positions the model was trained for"));
}

}  // namespace
}  // namespace hearth::test
