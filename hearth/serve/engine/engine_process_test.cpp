#include "hearth/serve/engine/engine_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <mutex>

#include "hearth/base/error.h"
#include "hearth/serve/engine/engine_waits_for_test.h"
#include "hearth/serve/engine/fake_engine_for_test.h"

namespace hearth::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

EngineProcessOptions options_for(const std::string& load) {
  EngineProcessOptions options{.program = HEARTH_FAKE_ENGINE, .arguments = {}};
  options.model = "fake:1";
  options.load.path = load;
  return options;
}

std::unique_ptr<EngineProcess> start(const std::string& load = "fake") {
  return EngineProcess::start(options_for(load));
}

struct Failure {
  Errc code = Errc::conflict;
  std::string message = "nothing was thrown";
};

template <class Call>
Failure failure_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {};
}

std::string read_all(AnswerStream& stream) {
  std::string text;
  while (const std::optional<AnswerChunk> chunk = stream.next()) text += chunk->delta.content;
  return text;
}

TEST(EngineProcess, AnswersAsItsEngineDoes) {
  const auto engine = start();
  EXPECT_EQ(engine->facts().architecture, "fake");
  EXPECT_EQ(engine->facts().context, 77);
  EXPECT_TRUE(engine->facts().capabilities.rerank);
  EXPECT_FALSE(engine->facts().capabilities.tools);
  EXPECT_EQ(engine->status().pages_free, 1);
  const auto stream = engine->answer(script("count 4 0"));
  EXPECT_EQ(read_all(*stream), "0 1 2 3 ");
  EXPECT_EQ(stream->end().generated_tokens, 4);
  EXPECT_EQ(stream->end().reason, AnswerReason::stop);
  EXPECT_FALSE(stream->next());
  EXPECT_THAT(
      engine->embed({.inputs = {"abc", std::vector<int32_t>{1}}, .dimensions = 9}, {}).vectors,
      ElementsAre(ElementsAre(3, 9), ElementsAre(1, 9)));
  const Relevance relevance = engine->rerank({.query = "why", .documents = {"a", "bb"}}, {});
  EXPECT_THAT(relevance.scores, ElementsAre(1, 2));
  EXPECT_EQ(relevance.prompt_tokens, 3);
  EXPECT_EQ(engine->render({.messages = {{.content = "a"}, {.content = "b"}}}), "ab");
  EXPECT_EQ(engine->count_tokens(script("count")), 5);
  EXPECT_THAT(engine->tokenize("\xFF", true, true), ElementsAre(1, 255, 2));
  EXPECT_THAT(engine->tokenize("a", false, false), ElementsAre('a'));
  EXPECT_EQ(engine->detokenize(std::vector<int32_t>{'h', 'i'}), "hi");
}

TEST(EngineProcess, CarriesRequestsAndVectorsBeyondTheSocketsBuffer) {
  const auto engine = start();
  const std::string text(3 << 20, 'a');
  EXPECT_EQ(engine->tokenize(text, false, false), std::vector<int32_t>(text.size(), 'a'));
}

TEST(EngineProcess, ThrowsTheErrorsOfItsEngine) {
  const auto engine = start();
  const Failure refused = failure_of([&] { engine->answer(script("refuse")); });
  EXPECT_EQ(refused.code, Errc::invalid_argument);
  EXPECT_EQ(refused.message, "the template refused");
  const auto stream = engine->answer(script("break"));
  const Failure broken = failure_of([&] { read_all(*stream); });
  EXPECT_EQ(broken.code, Errc::resource_exhausted);
  EXPECT_FALSE(stream->next());
  EXPECT_TRUE(engine->is_alive());
}

TEST(EngineProcess, CancelsFromAnotherThread) {
  const auto engine = start();
  const auto stream = engine->answer(script("wait"));
  std::thread other([&] { stream->cancel(); });
  EXPECT_FALSE(stream->next());
  other.join();
  EXPECT_EQ(stream->end().reason, AnswerReason::cancelled);
  EXPECT_TRUE(eventually([&] { return engine->status().running == 0; }));
}

TEST(EngineProcess, GivesNoMoreOfAnAnswerThatWasCancelled) {
  const auto engine = start();
  const auto stream = engine->answer(script("flood"));
  ASSERT_TRUE(stream->next());
  stream->cancel();
  EXPECT_FALSE(stream->next());
  EXPECT_EQ(stream->end().reason, AnswerReason::cancelled);
  EXPECT_GT(stream->end().generated_tokens, 0);  // the engine's own count
}

TEST(EngineProcess, CancelsAStreamThatIsDestroyed) {
  const auto engine = start();
  engine->answer(script("wait"));
  EXPECT_TRUE(eventually([&] { return engine->status().running == 0; }));
}

TEST(EngineProcess, CancelsACallForVectors) {
  const auto engine = start();
  std::stop_source source;
  std::thread other([&] { source.request_stop(); });
  const Failure failure =
      failure_of([&] { engine->embed({.inputs = {"wait"}}, source.get_token()); });
  other.join();
  EXPECT_EQ(failure.code, Errc::unavailable);
  EXPECT_EQ(failure.message, "the call was cancelled");
  EXPECT_TRUE(engine->is_alive());
}

TEST(EngineProcess, WaitsNoLongerThanItMustForAnEngineThatHangs) {
  const auto engine = start();
  const auto stream = engine->answer(script("wait"));
  ::kill(engine->process(), SIGSTOP);
  EXPECT_EQ(failure_of([&] { engine->status(); }).code, Errc::unavailable);
  stream->cancel();
  EXPECT_FALSE(stream->next());
  EXPECT_EQ(stream->end().reason, AnswerReason::cancelled);
  ::kill(engine->process(), SIGKILL);
}

TEST(EngineProcess, ReportsHowFarTheLoadingIs) {
  std::vector<double> fractions;
  EngineProcessOptions options = options_for("steps");
  options.on_progress = [&](double fraction) { fractions.push_back(fraction); };
  const auto engine = EngineProcess::start(std::move(options));
  EXPECT_THAT(fractions, ElementsAre(0.25, 0.5, 0.75, 1));
}

TEST(EngineProcess, ThrowsWhyAModelWasNotLoaded) {
  const Failure missing = failure_of([] { start("missing"); });
  EXPECT_EQ(missing.code, Errc::not_found);
  EXPECT_EQ(missing.message, "missing: no such file");
  const Failure ended = failure_of([] { start("exit"); });
  EXPECT_EQ(ended.code, Errc::unavailable);
  EXPECT_EQ(ended.message,
            "model 'fake:1': its engine ended with status 7: the fake engine was told to");
}

TEST(EngineProcess, GivesUpALoadThatTakesTooLongOrIsNotWantedAnyMore) {
  EngineProcessOptions late = options_for("hang");
  late.load_time_max = std::chrono::milliseconds(50);
  const Failure failure = failure_of([&] { EngineProcess::start(std::move(late)); });
  EXPECT_EQ(failure.code, Errc::unavailable);
  EXPECT_EQ(failure.message, "model 'fake:1': not loaded within 0.05 s");

  std::stop_source source;
  EngineProcessOptions unwanted = options_for("hang");
  unwanted.cancelled = source.get_token();
  unwanted.on_line = [&](std::string_view) { source.request_stop(); };
  EXPECT_EQ(failure_of([&] { EngineProcess::start(std::move(unwanted)); }).message,
            "model 'fake:1': its loading was given up");
}

TEST(EngineProcess, SaysWhichProgramCannotBeStarted) {
  EngineProcessOptions options = options_for("fake");
  options.program = "/no/such/program";
  const Failure failure = failure_of([&] { EngineProcess::start(std::move(options)); });
  EXPECT_EQ(failure.code, Errc::io_failure);
  EXPECT_THAT(failure.message, HasSubstr("/no/such/program: cannot be started: No such file"));
}

TEST(EngineProcess, PassesOnWhatTheProcessWritesAndHowItEnds) {
  std::mutex mutex;
  std::vector<std::string> lines;
  std::vector<EngineExit> exits;
  EngineProcessOptions options = options_for("fake");
  options.on_line = [&](std::string_view line) {
    const std::lock_guard lock(mutex);
    lines.emplace_back(line);
  };
  options.on_exit = [&](const EngineExit& exit) {
    const std::lock_guard lock(mutex);
    exits.push_back(exit);
  };
  auto engine = EngineProcess::start(std::move(options));
  const std::string process = fmt::format("process {}", engine->process());
  const auto stream = engine->answer(script("exit 3"));
  const Failure failure = failure_of([&] { stream->next(); });
  EXPECT_EQ(failure.code, Errc::unavailable);
  EXPECT_EQ(failure.message,
            "model 'fake:1': its engine ended with status 3: the fake engine was told to");
  EXPECT_FALSE(engine->is_alive());
  EXPECT_THAT(failure_of([&] { engine->status(); }).message, HasSubstr("ended with status 3"));
  engine.reset();
  EXPECT_THAT(lines, ElementsAre(process, "the fake engine was told to"));
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_FALSE(exits[0].was_asked);
}

TEST(EngineProcess, SaysWhichSignalKilledTheProcessAlsoOneWithoutAName) {
  const auto engine = start();
  const int number = SIGRTMIN + 1;
  ::kill(engine->process(), number);
  EXPECT_TRUE(eventually([&] { return !engine->is_alive(); }));
  EXPECT_EQ(failure_of([&] { engine->status(); }).message,
            fmt::format("model 'fake:1': its engine was killed by signal {}: process {}", number,
                        engine->process()));
}

TEST(EngineProcess, EndsWithAnEngineThatHasFailed) {
  const auto engine = start();
  const auto other = engine->answer(script("wait"));
  const auto stream = engine->answer(script("die"));
  EXPECT_TRUE(stream->next());
  EXPECT_EQ(failure_of([&] { stream->next(); }).message, "engine: a step has failed");
  EXPECT_TRUE(eventually([&] { return !engine->is_alive(); }));
  EXPECT_EQ(failure_of([&] { other->next(); }).code, Errc::unavailable);
}

TEST(EngineProcess, EndsCleanlyWhenAsked) {
  std::vector<EngineExit> exits;
  EngineProcessOptions options = options_for("fake");
  options.on_exit = [&](const EngineExit& exit) { exits.push_back(exit); };
  std::unique_ptr<AnswerStream> survivor;
  {
    const auto engine = EngineProcess::start(std::move(options));
    survivor = engine->answer(script("wait"));
  }
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_TRUE(exits[0].was_asked);
  EXPECT_EQ(exits[0].status, 0);
  EXPECT_EQ(exits[0].how, "ended");
  EXPECT_EQ(failure_of([&] { survivor->next(); }).message, "the engine is ending");
}

TEST(EngineProcess, EndsOnSigtermAndNotOnSigint) {
  const auto engine = start();
  ::kill(engine->process(), SIGINT);
  EXPECT_EQ(engine->count_tokens(script("abc")), 3);
  ::kill(engine->process(), SIGTERM);
  EXPECT_TRUE(eventually([&] { return !engine->is_alive(); }));
  EXPECT_EQ(failure_of([&] { engine->status(); }).message, "model 'fake:1': its engine ended");
}

TEST(EngineProcess, KillsAnEngineThatDoesNotEnd) {
  EngineProcessOptions options = options_for("fake");
  options.end_time_max = std::chrono::milliseconds(50);
  auto engine = EngineProcess::start(std::move(options));
  const int process = engine->process();
  ::kill(process, SIGSTOP);
  engine.reset();
  EXPECT_EQ(::kill(process, 0), -1);
}

}  // namespace
}  // namespace hearth::serve
