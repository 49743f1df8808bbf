#include "hearth/llm/batch_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "hearth/llm/engine_limits.h"
#include "hearth/llm/recall_model.h"
#include "hearth/llm/tiny_vocabulary.h"

namespace hearth::llm {
namespace {

constexpr int kContext = 128;

struct Outcome {
  std::string text;
  std::optional<Error> error;
};

Outcome read(PieceStream& stream) {
  Outcome outcome;
  try {
    while (std::optional<Piece> piece = stream.next()) outcome.text += piece->text;
  } catch (const Error& e) {
    outcome.error = e;
  }
  return outcome;
}

GenerateParams greedy(std::vector<int32_t> prompt, int tokens_max) {
  return {.prompt = std::move(prompt),
          .sampling = {.temperature = 0, .repeat_penalty = 1},
          .tokens_max = tokens_max};
}

// An answer that only a cancellation or the end of the engine ends.
GenerateParams endless() {
  GenerateParams params = greedy({kTinyBos, 300}, -1);
  params.context_full = ContextFull::shift;
  return params;
}

struct Engine {
  explicit Engine(EngineOptions options = {.sequences_max = 2, .queue_max = 2})
      : model({.vocab_size = kTinySize, .context_length = kContext, .first_id = kTinyFirstText}) {
    options.threads = 1;
    options.kv_type = KvType::f32;
    options.kv_bytes_max = 1 << 20;
    engine = std::make_unique<BatchEngine>(model, *vocabulary.tokenizer, options);
  }

  std::string expected(const std::vector<int32_t>& prompt, int count) const {
    std::string text;
    for (int32_t id : model.recall(prompt, count)) text += tiny_spelling(id);
    return text;
  }

  // Waits until the engine has noticed; a test that waits in vain is ended by ctest.
  void wait_until_empty() const {
    while (engine->status().running + engine->status().waiting > 0) std::this_thread::yield();
  }

  Errc code_of_submit(GenerateParams params) {
    try {
      engine->submit(std::move(params));
    } catch (const Error& e) {
      message = e.what();
      return e.code();
    }
    ADD_FAILURE() << "accepted";
    return Errc::conflict;
  }

  TinyVocabulary vocabulary;
  RecallModel model;
  std::unique_ptr<BatchEngine> engine;
  std::string message;
};

TEST(BatchEngine, AnswersManyThreadsAtOnce) {
  Engine box({.sequences_max = 3, .queue_max = 64, .chunk_tokens = 40});
  std::vector<std::jthread> clients;
  for (int client = 0; client < 6; ++client)
    clients.emplace_back([&box, client] {
      Rng rng(client);
      for (int i = 0; i < 10; ++i) {
        std::vector<int32_t> prompt(1 + rng.below(60),
                                    kTinyFirstText + static_cast<int32_t>(rng.below(50)));
        PieceStream stream = box.engine->submit(greedy(prompt, 20));
        EXPECT_EQ(read(stream).text, box.expected(prompt, 20));
        EXPECT_EQ(stream.result().generated_tokens, 20);
      }
    });
  clients.clear();
  box.wait_until_empty();
  const BatchEngine::Status status = box.engine->status();
  EXPECT_EQ(status.pages_free, status.pages_total);
}

TEST(BatchEngine, TheQueueIsBoundedAndSaysSo) {
  Engine box({.sequences_max = 1, .queue_max = 2});
  std::vector<PieceStream> streams;
  for (int i = 0; i < 3; ++i) streams.push_back(box.engine->submit(endless()));
  EXPECT_EQ(box.code_of_submit(endless()), Errc::unavailable);
  EXPECT_EQ(box.message, "queue_max: 2 generations wait beside 1 that run, which is the limit");
  // A place is free as soon as an answer has ended.
  streams.back().cancel();
  read(streams.back());
  streams.push_back(box.engine->submit(endless()));
}

TEST(BatchEngine, RefusesWhatItCannotHonourAndKeepsNoPlaceForIt) {
  Engine box({.sequences_max = 1, .queue_max = 0});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(box.code_of_submit(greedy({}, 1)), Errc::invalid_argument);
    EXPECT_EQ(box.message, "prompt: no tokens");
    EXPECT_EQ(box.code_of_submit(greedy({1, kTinySize}, 1)), Errc::invalid_argument);
    EXPECT_EQ(box.message, "prompt[1]: id 320 is not between 0 and 319");
    EXPECT_EQ(box.code_of_submit(greedy({1}, -2)), Errc::invalid_argument);
    EXPECT_EQ(box.message, "tokens_max: -2 is below -1, which means no limit");
    EXPECT_EQ(box.code_of_submit(greedy(std::vector<int32_t>(129, 1), 1)), Errc::too_long);
    EXPECT_EQ(box.message, "prompt is too long: 129 tokens > 128 maximum");
    GenerateParams params = greedy({1}, 1);
    params.stop = {""};
    EXPECT_EQ(box.code_of_submit(params), Errc::invalid_argument);
    params = greedy({1}, 1);
    params.sampling.top_p = -3;
    EXPECT_EQ(box.code_of_submit(params), Errc::invalid_argument);
  }
  PieceStream stream = box.engine->submit(greedy({1}, 3));
  EXPECT_EQ(read(stream).text, box.expected({1}, 3));
}

TEST(BatchEngine, CancellationEndsAnAnswerFromAnotherThread) {
  Engine box;
  PieceStream stream = box.engine->submit(endless());
  ASSERT_TRUE(stream.next());
  std::jthread other([&] { stream.cancel(); });
  EXPECT_FALSE(read(stream).error);
  EXPECT_EQ(stream.result().reason, FinishReason::cancelled);
}

TEST(BatchEngine, AStopTokenEndsAnAnswerAlsoWhenEverybodySleeps) {
  Engine box;
  std::stop_source source;
  PieceStream stream = box.engine->submit(endless(), source.get_token());
  // Nobody reads: the stream fills, and the engine falls asleep.
  uint64_t steps = 0;
  do {
    steps = box.engine->status().steps;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  } while (steps < 256 || steps != box.engine->status().steps);
  source.request_stop();
  box.wait_until_empty();
  EXPECT_EQ(read(stream).text, "");
  EXPECT_EQ(stream.result().reason, FinishReason::cancelled);
}

TEST(BatchEngine, ATokenThatIsStoppedAlreadyGivesAnEmptyAnswer) {
  Engine box;
  std::stop_source source;
  source.request_stop();
  PieceStream stream = box.engine->submit(endless(), source.get_token());
  EXPECT_EQ(stream.next(), std::nullopt);
  EXPECT_EQ(stream.result().reason, FinishReason::cancelled);
}

TEST(BatchEngine, ADestroyedStreamFreesItsPlace) {
  Engine box({.sequences_max = 1, .queue_max = 0});
  for (int i = 0; i < 5; ++i) {
    { const PieceStream forgotten = box.engine->submit(endless()); }
    box.wait_until_empty();
  }
}

TEST(BatchEngine, ShutdownEndsWhatRunsAndWhatWaits) {
  Engine box({.sequences_max = 1, .queue_max = 4});
  std::vector<PieceStream> streams;
  for (int i = 0; i < 3; ++i) streams.push_back(box.engine->submit(endless()));
  ASSERT_TRUE(streams[0].next());
  box.engine.reset();
  for (PieceStream& stream : streams) {
    const Outcome outcome = read(stream);
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->code(), Errc::unavailable);
    EXPECT_STREQ(outcome.error->what(), "engine: shutting down");
  }
}

// The end may fall between any two looks of the engine's thread, which then must not fall asleep.
TEST(BatchEngine, EndsWheneverItIsDestroyed) {
  const Engine box;
  const EngineOptions options{.threads = 1, .sequences_max = 1, .queue_max = 0};
  for (int i = 0; i < 10000; ++i) {
    const BatchEngine engine(box.model, *box.vocabulary.tokenizer, options);
    for (volatile int delay = 50 * (i % 1000); delay > 0;) delay = delay - 1;
  }
}

TEST(BatchEngine, AReaderThatWaitsIsWokenByShutdown) {
  Engine box;
  std::latch computing(1), go_on(1);
  box.model.on_forward = [&, first = true](const Batch&) mutable {
    if (!std::exchange(first, false)) return;
    computing.count_down();
    go_on.wait();
  };
  PieceStream stream = box.engine->submit(endless());
  computing.wait();
  std::jthread reader([&] { EXPECT_TRUE(read(stream).error); });
  std::jthread closer([&] { box.engine.reset(); });
  go_on.count_down();
}

TEST(BatchEngine, AFailureInAStepEndsEveryAnswerAndIsTheReasonForRefusals) {
  Engine box({.sequences_max = 1, .queue_max = 4});
  std::atomic<bool> broken{false};
  box.model.on_forward = [&](const Batch&) {
    if (broken) throw std::bad_alloc();
  };
  PieceStream running = box.engine->submit(endless());
  PieceStream waiting = box.engine->submit(endless());
  ASSERT_TRUE(running.next());
  broken = true;
  for (PieceStream* stream : {&running, &waiting}) {
    const Outcome outcome = read(*stream);
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->code(), Errc::unavailable);
    EXPECT_STREQ(outcome.error->what(), "engine: std::bad_alloc");
  }
  EXPECT_EQ(box.code_of_submit(endless()), Errc::unavailable);
  EXPECT_EQ(box.message, "engine: std::bad_alloc");
}

TEST(BatchEngine, AnIdleEngineTakesNoSteps) {
  Engine box;
  PieceStream stream = box.engine->submit(greedy({1, 300, 301}, 5));
  read(stream);
  box.wait_until_empty();
  const uint64_t steps = box.engine->status().steps;
  // One of prefill and five of decode; prefill comes after decode within a step.
  EXPECT_EQ(steps, 6u);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_EQ(box.engine->status().steps, steps);
}

TEST(EngineLimits, DefaultsComeFromTheModelAndTheMemory) {
  const ModelConfig config{.context_length = 100000};
  const KvShape shape{
      .layers = 2, .kv_heads = 4, .head_dim_k = 64, .head_dim_v = 64, .page_tokens = 32};
  // A page of f16: 2 layers * 4 heads * 32 slots * (64 + 64) * 2 bytes = 64 KiB; a context of 8192
  // is 256 pages.
  EngineLimits limits = resolve({.sequences_max = 4}, config, shape, size_t{1} << 40);
  EXPECT_EQ(limits.context, 8192);
  EXPECT_EQ(limits.pages, 4 * 256);
  limits = resolve({.sequences_max = 4}, config, shape, 4 * (size_t{300} << 16));
  EXPECT_EQ(limits.pages, 300);
  limits = resolve({.context = 33, .sequences_max = 4, .kv_bytes_max = size_t{5} << 16}, config,
                   shape, 0);
  EXPECT_EQ(limits.pages, 5);
}

TEST(EngineLimits, RefusalsNameTheOptionTheValueAndTheLimit) {
  const ModelConfig config{.context_length = 1000};
  const KvShape shape{
      .layers = 2, .kv_heads = 4, .head_dim_k = 64, .head_dim_v = 64, .page_tokens = 32};
  const auto message_of = [&](const EngineOptions& options,
                              size_t memory_bytes = size_t{1} << 40) -> std::string {
    try {
      resolve(options, config, shape, memory_bytes);
    } catch (const Error& e) {
      return fmt::format("{}: {}", name(e.code()), e.what());
    }
    return "accepted";
  };
  EXPECT_EQ(message_of({.context = 1001}),
            "invalid_argument: context: 1001 is not between 2 and 1000, the positions the model "
            "was trained for");
  EXPECT_EQ(message_of({.sequences_max = 0}),
            "invalid_argument: sequences_max: 0 is not between 1 and 256");
  EXPECT_EQ(message_of({.queue_max = -1}),
            "invalid_argument: queue_max: -1 is not between 0 and 65536");
  EXPECT_EQ(message_of({.sequences_max = 8, .chunk_tokens = 39}),
            "invalid_argument: chunk_tokens: 39 is not between 40 and 8192");
  EXPECT_EQ(message_of({.kv_bytes_max = 1 << 20}),
            "resource_exhausted: context: 1000 positions need 2.0 MiB of KV cache, kv_bytes_max "
            "allows 1.0 MiB");
  EXPECT_EQ(message_of({}, 4 << 20),
            "resource_exhausted: context: 1000 positions need 2.0 MiB of KV cache, a quarter of "
            "the memory allows 1.0 MiB");
}

}  // namespace
}  // namespace hearth::llm
