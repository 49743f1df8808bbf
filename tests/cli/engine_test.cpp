// `hearth engine` as the daemon uses it: the built program with a real model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "hearth/base/error.h"
#include "hearth/serve/engine/engine_process.h"
#include "hearth/serve/engine/model_engine.h"
#include "tests/cli/program.h"

namespace hearth::test {
namespace {

using serve::AnswerChunk;
using serve::AnswerRequest;
using serve::AnswerStream;
using serve::EngineProcess;
using testing::HasSubstr;
using testing::Not;

const fs::path kTales = fs::path(HEARTH_SOURCE_DIR) / "models" / "tales.gguf";

serve::ModelLoad load_of(const fs::path& path) {
  serve::ModelLoad load{.path = path};
  load.parameters = {{"num_ctx", int64_t{256}}, {"num_thread", int64_t{1}}};
  return load;
}

std::unique_ptr<EngineProcess> start(const fs::path& path) {
  return EngineProcess::start(
      {.program = HEARTH_PROGRAM, .model = "tales:latest", .load = load_of(path)});
}

AnswerRequest request_of(int tokens) {
  AnswerRequest request;
  request.prompt = serve::TextPrompt{.text = "The fox said", .suffix = {}};
  request.options = {{"num_predict", int64_t{tokens}}, {"seed", int64_t{7}}};
  request.logprobs = 2;
  return request;
}

struct WholeAnswer {
  std::string text;
  std::vector<float> logprobs;
  serve::AnswerEnd end;
};

WholeAnswer read(AnswerStream& stream) {
  WholeAnswer answer;
  while (const std::optional<AnswerChunk> chunk = stream.next()) {
    answer.text += chunk->delta.content;
    for (const serve::TokenLogprobs& token : chunk->logprobs)
      answer.logprobs.push_back(token.chosen.logprob);
  }
  answer.end = stream.end();
  return answer;
}

TEST(EngineCommand, SaysWhatTheSameModelSaysInThisProcess) {
  const auto there = start(kTales);
  serve::ModelEngine here(load_of(kTales));
  EXPECT_EQ(there->facts().capabilities, here.facts().capabilities);
  EXPECT_EQ(there->facts().context, 256);
  EXPECT_EQ(there->facts().memory_bytes, here.facts().memory_bytes);
  const WholeAnswer theirs = read(*there->answer(request_of(40)));
  const WholeAnswer ours = read(*here.answer(request_of(40)));
  EXPECT_EQ(theirs.text, ours.text);
  EXPECT_EQ(theirs.logprobs, ours.logprobs);
  EXPECT_EQ(theirs.end.generated_tokens, 40);
  EXPECT_EQ(theirs.end.prompt_tokens, ours.end.prompt_tokens);
  EXPECT_EQ(theirs.end.seed, 7u);
  const std::vector<int32_t> ids = there->tokenize("The fox said", true, false);
  EXPECT_EQ(ids, here.tokenize("The fox said", true, false));
  EXPECT_EQ(there->count_tokens(request_of(1)), here.count_tokens(request_of(1)));
}

TEST(EngineCommand, CancelsWithinAnAnswer) {
  const auto engine = start(kTales);
  const auto stream = engine->answer(request_of(-1));
  ASSERT_TRUE(stream->next());
  stream->cancel();
  EXPECT_FALSE(stream->next());
  EXPECT_EQ(stream->end().reason, serve::AnswerReason::cancelled);
  EXPECT_EQ(read(*engine->answer(request_of(5))).end.generated_tokens, 5);
}

TEST(EngineCommand, SaysHowItDiedInTheMiddleOfAnAnswer) {
  const auto engine = start(kTales);
  const auto stream = engine->answer(request_of(-1));
  ASSERT_TRUE(stream->next());
  ::kill(engine->process(), SIGKILL);
  try {
    while (stream->next()) continue;
    FAIL() << "an answer without an end ended";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::unavailable);
    EXPECT_STREQ(error.what(), "model 'tales:latest': its engine was killed by signal 9 (Killed)");
  }
}

TEST(EngineCommand, SaysWhyAModelIsNotLoaded) {
  try {
    start("/no/such/model.gguf");
    FAIL() << "it was loaded";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::not_found);
    EXPECT_THAT(error.what(), HasSubstr("/no/such/model.gguf"));
  }
}

TEST(EngineCommand, IsNotForPeople) {
  const RunResult result = run_hearth({"engine"});
  EXPECT_EQ(result.status, exit_status(Errc::invalid_argument));
  EXPECT_THAT(result.err, HasSubstr("hearth serve"));
  EXPECT_THAT(run_hearth({"--help"}).out, Not(HasSubstr("engine ")));
}

}  // namespace
}  // namespace hearth::test
