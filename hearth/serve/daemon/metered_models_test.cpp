#include "hearth/serve/daemon/metered_models.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <future>

#include "hearth/serve/api/fake_models_for_test.h"

namespace hearth::serve {
namespace {

class MeteredModelsTest : public testing::Test {
 protected:
  /// Asks as `caller` and reads the answer up to `chunks_max`; false when it threw.
  bool ask(const std::string& caller, int chunks_max = 1000) {
    std::promise<bool> done;
    ModelCall call;
    call.model = "tiny";
    call.caller = caller;
    metered.submit(
        std::move(call),
        [&](Turn& turn) {
          {
            const auto stream = turn.engine.answer(AnswerRequest());
            for (int i = 0; i < chunks_max && stream->next(); ++i) {
            }
          }  // an unfinished stream is counted when it goes
          done.set_value(true);
        },
        [&](const Error&) { done.set_value(false); });
    return done.get_future().get();
  }
  std::string text() { return registry.text(); }
  Usage used(const std::string& key) {
    Usage sum;
    for (const UsageRow& row : usage.report())
      if (row.key == key) sum += row.usage;
    return sum;
  }
  bool has_line(const std::string& line) {
    return ("\n" + text()).find("\n" + line + "\n") != std::string::npos;
  }

  // The ledger writes once more when it goes, behind everything here: the next test clears up.
  static fs::path fresh_file() {
    const fs::path file =
        fs::temp_directory_path() / fmt::format("hearth_metered_{}.json", getpid());
    fs::remove(file);
    return file;
  }

  const fs::path file_ = fresh_file();
  FakeModels models;
  Registry registry;
  ServeMetrics metrics{registry, "1", [] { return std::vector<LoadMeasure>(); }};
  UsageLedger usage{file_};
  MeteredModels metered{models, {.metrics = &metrics, .usage = &usage}};
};

TEST_F(MeteredModelsTest, AWholeAnswerIsCountedForItsKeyAndItsModel) {
  EXPECT_TRUE(ask("alice"));
  // hello_answer(): 5 tokens of prompt, 2 of answer. The request itself was counted by the gate.
  EXPECT_EQ(used("alice"), (Usage{.requests = 0, .prompt_tokens = 5, .generated_tokens = 2}));
  EXPECT_TRUE(has_line("hearth_answers_total{model=\"tiny:latest\",end=\"stop\"} 1")) << text();
  EXPECT_TRUE(has_line("hearth_tokens_total{model=\"tiny:latest\",kind=\"generated\"} 2"));
}

TEST_F(MeteredModelsTest, WithoutAKeyOnlyTheModelCounts) {
  EXPECT_TRUE(ask(""));
  EXPECT_TRUE(usage.report().empty());
  EXPECT_TRUE(has_line("hearth_answers_total{model=\"tiny:latest\",end=\"stop\"} 1"));
}

TEST_F(MeteredModelsTest, AnAnswerThatIsLeftIsCountedAsCancelledWithWhatCame) {
  EXPECT_TRUE(ask("alice", 1));
  EXPECT_TRUE(has_line("hearth_answers_total{model=\"tiny:latest\",end=\"cancelled\"} 1"));
  EXPECT_EQ(used("alice").generated_tokens, 1u);
}

TEST_F(MeteredModelsTest, AFailureIsCountedAsError) {
  models.engine.on_answer = [](const AnswerRequest&) {
    FakeAnswer answer = hello_answer();
    answer.failure = Error(Errc::unavailable, "the engine has gone");
    return answer;
  };
  EXPECT_FALSE(ask("alice"));
  EXPECT_TRUE(has_line("hearth_answers_total{model=\"tiny:latest\",end=\"error\"} 1"));
}

}  // namespace
}  // namespace hearth::serve
