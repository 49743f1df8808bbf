#include "hearth/serve/pool/local_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/serve/pool/fake_engine_for_test.h"
#include "hearth/store/create_model.h"
#include "hearth/store/store_folder_for_test.h"

namespace hearth::serve {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// What became of one submission.
class Outcome {
 public:
  enum class Kind { none, turn, error };

  void set(Kind kind, const Error* error = nullptr) {
    {
      std::lock_guard lock(mutex_);
      ++count_;
      kind_ = kind;
      if (error) {
        code = error->code();
        message = error->what();
        if (const auto* refusal = dynamic_cast<const Refusal*>(error)) {
          status = refusal->status();
          retry_after = refusal->retry_after();
        }
      }
    }
    changed_.notify_all();
  }
  /// Waits until there is one.
  Kind wait() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [&] { return count_ > 0; });
    EXPECT_EQ(count_, 1);
    return kind_;
  }
  Kind kind() const {
    std::lock_guard lock(mutex_);
    return kind_;
  }

  // Once wait() has given `error`.
  Errc code{};
  std::string message;
  int status = 0;
  seconds retry_after{};
  // Once wait() has given `turn`.
  std::string model;
  std::chrono::nanoseconds queue_time{}, load_time{};

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Kind kind_ = Kind::none;
  int count_ = 0;
};

using Kind = Outcome::Kind;

/// Waits until `is` holds.
template <class Predicate>
bool eventually(Predicate is) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!is()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

class LocalModelsTest : public testing::Test {
 protected:
  LocalModelsTest() {
    options.tick_every = milliseconds(0);
    options.clock = [this] { return QueueTime(std::chrono::nanoseconds(now_.load())); };
    options.pool.limits.memory.host_bytes = uint64_t{1} << 40;
    for (const char* name : {"a", "b", "c"}) create(name);
  }
  ~LocalModelsTest() override {
    for (const auto& gate : gates_) gate->open();
    models_.reset();
    EXPECT_EQ(world.living, 0);
  }

  void create(const std::string& name) {
    folder_.write_gguf("m.gguf", "llama");
    store::create_model(folder_.open(), store::parse_model_name(name),
                        store::parse_modelfile("FROM ./m.gguf\nSYSTEM I am " + name, "Modelfile"),
                        {.folder = folder_.path()}, [](const store::CreateProgress&) {});
  }
  LocalModels& models() {
    if (!models_) models_.emplace(folder_.open(), world.factory(), options);
    return *models_;
  }
  void destroy_models() { models_.reset(); }
  void pass(seconds time) { now_ += std::chrono::nanoseconds(time).count(); }
  /// Opens at the end of the test at the latest.
  std::shared_ptr<Gate> make_gate() { return gates_.emplace_back(std::make_shared<Gate>()); }

  using During = std::function<void(Turn&)>;
  std::shared_ptr<Outcome> submit(
      ModelCall call, During during = [](Turn&) {}) {
    auto outcome = std::make_shared<Outcome>();
    models().submit(
        std::move(call),
        [outcome, during](Turn& turn) {
          during(turn);
          outcome->model = turn.model;
          outcome->queue_time = turn.queue_time;
          outcome->load_time = turn.load_time;
          outcome->set(Kind::turn);
        },
        [outcome](const Error& error) { outcome->set(Kind::error, &error); });
    return outcome;
  }
  std::shared_ptr<Outcome> submit(
      const char* model, During during = [](Turn&) {}) {
    return submit(ModelCall{.model = model}, std::move(during));
  }
  /// A turn that lasts until its gate opens; waits until it has begun.
  std::pair<std::shared_ptr<Outcome>, std::shared_ptr<Gate>> occupy(ModelCall call) {
    const std::shared_ptr<Gate> gate = make_gate();
    const auto begun = std::make_shared<Gate>();
    auto outcome = submit(std::move(call), [gate, begun](Turn&) {
      begun->open();
      gate->wait();
    });
    EXPECT_TRUE(begun->wait());
    return {outcome, gate};
  }
  bool becomes_idle() {
    return eventually([&] {
      const PoolCounters now = models().counters();
      return now.running == 0 && now.loading == 0 && now.waiting == 0;
    });
  }
  std::vector<std::string> loaded_names() {
    std::vector<std::string> names;
    for (const LoadedModel& model : models().loaded()) names.push_back(model.name);
    return names;
  }

  FakeWorld world;
  LocalModelsOptions options;

 private:
  store::StoreFolder folder_{"local-models"};
  std::atomic<int64_t> now_{std::chrono::nanoseconds(std::chrono::hours(1)).count()};
  std::vector<std::shared_ptr<Gate>> gates_;
  std::optional<LocalModels> models_;
};

TEST_F(LocalModelsTest, LoadsAModelOnDemandAndKeepsIt) {
  const auto first = submit("A");
  EXPECT_EQ(first->wait(), Kind::turn);
  EXPECT_EQ(first->model, "a:latest");
  EXPECT_EQ(submit("a:latest")->wait(), Kind::turn);
  EXPECT_EQ(world.loads, 1);
  ASSERT_TRUE(becomes_idle());
  const std::vector<LoadedModel> loaded = models().loaded();
  ASSERT_THAT(loaded, SizeIs(1));
  EXPECT_EQ(loaded[0].name, "a:latest");
  EXPECT_EQ(loaded[0].process, 4711);
  const auto left = loaded[0].expires - std::chrono::system_clock::now();
  EXPECT_GT(left, seconds(200));
  EXPECT_LE(left, seconds(300));
  const PoolCounters counters = models().counters();
  EXPECT_EQ(counters.turns, 2u);
  EXPECT_EQ(counters.engines.loads.at("a:latest"), 1u);
}

TEST_F(LocalModelsTest, SaysThatAModelIsNotThereInOllamasWords) {
  const auto outcome = submit("missing");
  EXPECT_EQ(outcome->wait(), Kind::error);
  EXPECT_EQ(outcome->code, Errc::not_found);
  EXPECT_EQ(outcome->message, "model \"missing\" not found, try pulling it first");
}

TEST_F(LocalModelsTest, ManyRequestsWaitForOneLoadAndAreToldHowLongItTook) {
  const auto gate = make_gate(), begun = make_gate();
  world.on_load = [&](const EngineSpec& spec) {
    EXPECT_EQ(spec.texts.system, "I am a");
    begun->open();
    gate->wait();
  };
  world.answers_max = 8;
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 5; ++i) outcomes.push_back(submit("a"));
  ASSERT_TRUE(begun->wait());
  pass(seconds(7));
  gate->open();
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(outcome->wait(), Kind::turn);
    EXPECT_EQ(outcome->load_time, seconds(7));
    EXPECT_EQ(outcome->queue_time, seconds(0));
  }
  EXPECT_EQ(world.loads, 1);
  EXPECT_EQ(submit("a")->wait(), Kind::turn);
}

TEST_F(LocalModelsTest, WhoLeavesBehindTheirTurnTakesNobodyElsesPlace) {
  // The first load fails and its line goes; the next line of the model gives the same ticket again.
  const auto is_submitted = make_gate(), second_load = make_gate(), is_told = make_gate();
  world.on_load = [&](const EngineSpec&) {
    if (world.loads > 1) return void(second_load->wait());
    is_submitted->wait();
    throw Error(Errc::unsupported, "not this time");
  };
  std::stop_source client;
  std::shared_ptr<Outcome> second;
  models().submit(
      {.model = "a", .closed = client.get_token()}, [](Turn&) {},
      [&](const Error&) {
        second = submit("a");
        client.request_stop();  // while the first is still being told
        is_told->open();
      });
  is_submitted->open();
  ASSERT_TRUE(is_told->wait());
  second_load->open();
  EXPECT_EQ(second->wait(), Kind::turn);
}

TEST_F(LocalModelsTest, RunsNoMoreTurnsThanTheEngineAnswersAtOnce) {
  const auto [one, one_gate] = occupy({.model = "a"});
  const auto [two, two_gate] = occupy({.model = "a"});
  const auto third = submit("a");
  pass(seconds(3));
  EXPECT_EQ(models().counters().running, 2);
  EXPECT_EQ(models().counters().waiting, 1);
  EXPECT_EQ(third->kind(), Kind::none);
  one_gate->open();
  EXPECT_EQ(third->wait(), Kind::turn);
  EXPECT_EQ(third->queue_time, seconds(3));
  EXPECT_EQ(third->load_time, seconds(0));
  two_gate->open();
  ASSERT_TRUE(becomes_idle());
  const QueueHistogram waits = models().counters().queue_seconds;
  EXPECT_EQ(waits.counts[0], 2u);
  EXPECT_EQ(waits.counts[4], 1u);  // up to 5 s
  EXPECT_DOUBLE_EQ(waits.sum_s, 3);
}

TEST_F(LocalModelsTest, WhatATurnThrowsGoesToItsError) {
  const auto refused =
      submit("a", [](Turn&) { throw Error(Errc::invalid_argument, "temperature: too hot"); });
  EXPECT_EQ(refused->wait(), Kind::error);
  EXPECT_EQ(refused->code, Errc::invalid_argument);
  EXPECT_EQ(refused->message, "temperature: too hot");
  const auto broken = submit("a", [](Turn&) { throw std::logic_error("odd"); });
  EXPECT_EQ(broken->wait(), Kind::error);
  EXPECT_EQ(broken->message, "model \"a:latest\": odd");
  EXPECT_EQ(submit("a")->wait(), Kind::turn);
}

TEST_F(LocalModelsTest, AClientThatLeavesWhileItWaitsLeavesTheQueueAtOnce) {
  world.answers_max = 1;
  const auto [busy, gate] = occupy({.model = "a"});
  std::stop_source closed;
  auto tracked = std::make_shared<int>();
  const std::weak_ptr<int> is_held = tracked;
  models().submit(
      {.model = "a", .closed = closed.get_token()},
      [tracked](Turn&) { ADD_FAILURE() << "has left"; },
      [tracked](const Error& error) { ADD_FAILURE() << error.what(); });
  tracked.reset();
  EXPECT_EQ(models().counters().waiting, 1);
  EXPECT_FALSE(is_held.expired());
  closed.request_stop();
  EXPECT_EQ(models().counters().waiting, 0);
  EXPECT_TRUE(is_held.expired());  // both calls are destroyed
  EXPECT_EQ(models().counters().left, 1u);
  models().tick();
  gate->open();
  EXPECT_TRUE(becomes_idle());
}

TEST_F(LocalModelsTest, AClientThatHasLeftBeforeEndsWithNeither) {
  world.answers_max = 1;
  const auto [busy, gate] = occupy({.model = "a"});
  std::stop_source closed;
  closed.request_stop();
  const auto outcome = submit({.model = "a", .closed = closed.get_token()});
  EXPECT_EQ(models().counters().waiting, 0);
  EXPECT_EQ(outcome->kind(), Kind::none);
}

TEST_F(LocalModelsTest, AClientThatLeavesInItsTurnFreesTheSlotWhenTheTurnEnds) {
  world.answers_max = 1;
  std::stop_source closed;
  const auto begun = make_gate();
  const auto first =
      submit({.model = "a", .closed = closed.get_token()}, [&, token = closed.get_token()](Turn&) {
        begun->open();
        const auto stopped = std::make_shared<Gate>();
        const std::stop_callback open(token, [&] { stopped->open(); });
        EXPECT_TRUE(stopped->wait());
      });
  ASSERT_TRUE(begun->wait());
  const auto next = submit("a");
  EXPECT_EQ(next->kind(), Kind::none);
  closed.request_stop();
  EXPECT_EQ(next->wait(), Kind::turn);
}

TEST_F(LocalModelsTest, CallersShareAModelWhoeverCameFirst) {
  world.answers_max = 1;
  const auto [busy, gate] = occupy({.model = "a", .caller = "flood"});
  std::mutex mutex;
  std::vector<std::string> order;
  const auto note = [&](const std::string& caller) {
    return [&, caller](Turn&) {
      std::lock_guard lock(mutex);
      order.push_back(caller);
      pass(seconds(1));
    };
  };
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 4; ++i)
    outcomes.push_back(submit({.model = "a", .caller = "flood"}, note("flood")));
  outcomes.push_back(submit({.model = "a", .caller = "quiet"}, note("quiet")));
  outcomes.push_back(
      submit({.model = "a", .caller = "q", .priority = Priority::batch}, note("batch")));
  gate->open();
  for (const auto& outcome : outcomes) EXPECT_EQ(outcome->wait(), Kind::turn);
  // The turn under way counts against its caller.
  EXPECT_THAT(order, ElementsAre("quiet", "flood", "flood", "flood", "flood", "batch"));
}

TEST_F(LocalModelsTest, RefusesWhatWouldWaitInTooLongAQueue) {
  world.answers_max = 1;
  options.queue = {.waiting_max = 2, .waiting_per_caller_max = 1};
  options.waiting_in_all_max = 3;
  const auto [busy_a, gate_a] = occupy({.model = "a"});
  const auto [busy_b, gate_b] = occupy({.model = "b"});
  submit({.model = "a", .caller = "x"});
  const auto own = submit({.model = "a", .caller = "x"});
  EXPECT_EQ(own->wait(), Kind::error);
  EXPECT_EQ(own->status, 429);
  submit({.model = "a", .caller = "y"});
  const auto full = submit({.model = "a", .caller = "z"});
  EXPECT_EQ(full->wait(), Kind::error);
  EXPECT_EQ(full->status, 503);
  EXPECT_EQ(full->retry_after, seconds(10));  // nothing is measured: turns of 10 s
  submit({.model = "b", .caller = "x"});
  const auto all = submit({.model = "b", .caller = "y"});
  EXPECT_EQ(all->wait(), Kind::error);
  EXPECT_THAT(all->message, HasSubstr("3 wait, waiting_in_all_max is 3"));
  EXPECT_EQ(models().counters().refused, 3u);
  gate_a->open();
  gate_b->open();
  EXPECT_TRUE(becomes_idle());
}

TEST_F(LocalModelsTest, WithoutKeysTheQueueIsAsLongAsItIsSaidToBe) {
  world.answers_max = 1;
  options.queue = {.waiting_max = 4, .waiting_per_caller_max = 1};
  options.waiting_in_all_max = 4;
  const auto [busy, gate] = occupy({.model = "a"});
  for (int i = 0; i < 4; ++i) submit("a");
  EXPECT_EQ(models().counters().waiting, 4);
  const auto full = submit("a");
  EXPECT_EQ(full->wait(), Kind::error);
  EXPECT_EQ(full->status, 503);
  gate->open();
  EXPECT_TRUE(becomes_idle());
}

TEST_F(LocalModelsTest, OneKeyCannotFillTheQueuesOfAllModels) {
  world.answers_max = 1;
  options.waiting_in_all_max = 4;
  const auto [busy_a, gate_a] = occupy({.model = "a"});
  const auto [busy_b, gate_b] = occupy({.model = "b"});
  submit({.model = "a", .caller = "x"});
  submit({.model = "b", .caller = "x"});
  const auto own = submit({.model = "b", .caller = "x"});
  EXPECT_EQ(own->wait(), Kind::error);
  EXPECT_EQ(own->status, 429);
  EXPECT_GE(own->retry_after, seconds(1));
  const auto other = submit({.model = "b", .caller = "y"});
  gate_a->open();
  gate_b->open();
  EXPECT_EQ(other->wait(), Kind::turn);
  EXPECT_TRUE(becomes_idle());
}

TEST_F(LocalModelsTest, LoadsThePinnedModelsWithoutBeingAsked) {
  options.pool.pinned = {"a", "nosuch", "B"};
  world.on_load = [](const EngineSpec& spec) {
    if (spec.model == "b:latest") throw Error(Errc::corrupt_data, "its file is torn");
  };
  std::mutex mutex;
  std::map<std::string, std::string> failures;
  models().load_pinned([&](const std::string& model, const Error& error) {
    std::lock_guard lock(mutex);
    failures[model] = error.what();
  });
  EXPECT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return failures.size() == 2 && loaded_names() == std::vector<std::string>{"a:latest"};
  }));
  EXPECT_TRUE(becomes_idle());
  EXPECT_THAT(failures["nosuch:latest"], HasSubstr("not found"));
  EXPECT_EQ(failures["B:latest"], "its file is torn");
  EXPECT_TRUE(models().loaded()[0].is_pinned);
}

TEST_F(LocalModelsTest, WhoWaitedInVainForRoomIsToldWhoHadIt) {
  options.pool.limits.models_max = 1;
  options.queue.wait_max = seconds(60);
  const auto [busy, gate] = occupy({.model = "a"});
  const auto outcome = submit("b");
  pass(seconds(60));
  models().tick();
  EXPECT_EQ(outcome->wait(), Kind::error);
  EXPECT_EQ(outcome->status, 503);
  EXPECT_THAT(outcome->message, HasSubstr("model \"b:latest\" needs "));
  EXPECT_THAT(outcome->message, HasSubstr("in the way, busy: \"a:latest\" ("));
}

TEST_F(LocalModelsTest, OptionsThatCannotLoadAreRefusedEachTime) {
  for (int i = 0; i < 2; ++i) {
    const auto outcome = submit({.model = "a", .options = {{"num_ctx", true}}});
    EXPECT_EQ(outcome->wait(), Kind::error);
    EXPECT_EQ(outcome->code, Errc::invalid_argument);
    EXPECT_THAT(outcome->message, HasSubstr("num_ctx"));
  }
  EXPECT_EQ(world.loads, 0);
}

TEST_F(LocalModelsTest, NobodyWaitsLongerThanWaitMax) {
  world.answers_max = 1;
  options.queue.wait_max = seconds(60);
  const auto [busy, gate] = occupy({.model = "a"});
  const auto outcome = submit("a");
  pass(seconds(59));
  models().tick();
  EXPECT_EQ(outcome->kind(), Kind::none);
  pass(seconds(1));
  models().tick();
  EXPECT_EQ(outcome->wait(), Kind::error);
  EXPECT_EQ(outcome->status, 503);
  EXPECT_GE(outcome->retry_after, seconds(1));
  EXPECT_THAT(outcome->message, HasSubstr("within 60 s (wait_max)"));
}

TEST_F(LocalModelsTest, UnloadsAfterKeepAlive) {
  EXPECT_EQ(submit({.model = "a", .keep_alive = seconds(10)})->wait(), Kind::turn);
  EXPECT_EQ(submit({.model = "b", .keep_alive = seconds(-1)})->wait(), Kind::turn);
  EXPECT_EQ(submit({.model = "c", .keep_alive = seconds(0)})->wait(), Kind::turn);
  ASSERT_TRUE(becomes_idle());
  EXPECT_THAT(loaded_names(), ElementsAre("b:latest", "a:latest"));  // c has gone at once
  pass(seconds(11));
  models().tick();
  EXPECT_THAT(loaded_names(), ElementsAre("b:latest"));
  EXPECT_EQ(world.living, 1);
  EXPECT_EQ(models().loaded().at(0).expires, std::chrono::system_clock::time_point::max());
}

TEST_F(LocalModelsTest, AnEngineThatDoesNotTellItsStatusIsListedAllTheSame) {
  ASSERT_EQ(submit("a")->wait(), Kind::turn);
  ASSERT_TRUE(becomes_idle());
  EXPECT_EQ(models().loaded().at(0).status.running, 1);
  world.kill_all();  // nobody has noticed yet
  EXPECT_EQ(models().loaded().at(0).status.running, 0);
}

TEST_F(LocalModelsTest, UnloadsByNameWhenTurnsHaveEnded) {
  const auto [busy, gate] = occupy({.model = "a"});
  EXPECT_FALSE(models().unload("b"));
  EXPECT_FALSE(models().unload("no/such/name/at/all"));
  EXPECT_TRUE(models().unload("A:latest"));
  EXPECT_THAT(loaded_names(), SizeIs(1));
  const auto next = submit("a");  // waits for a new engine
  gate->open();
  EXPECT_EQ(busy->wait(), Kind::turn);
  EXPECT_EQ(next->wait(), Kind::turn);
  EXPECT_EQ(world.loads, 2);
  EXPECT_EQ(world.most_living, 1);
}

TEST_F(LocalModelsTest, OneModelMakesRoomForAnotherBeforeItLoads) {
  options.pool.limits.models_max = 1;
  for (const char* name : {"a", "b", "a"}) EXPECT_EQ(submit(name)->wait(), Kind::turn);
  EXPECT_EQ(world.most_living, 1);
  ASSERT_TRUE(becomes_idle());
  EXPECT_EQ(models().counters().engines.evictions, 2u);
}

TEST_F(LocalModelsTest, ABusyModelWithAnEndlessQueueGivesWay) {
  options.pool.limits.models_max = 1;
  options.pool.residence_min = seconds(10);
  options.displace_after = seconds(5);
  world.answers_max = 1;
  const auto [one, one_gate] = occupy({.model = "a"});
  const std::shared_ptr<Gate> two_gate = make_gate();
  std::atomic<int> turns_after{0};
  int other_was = 0, three_was = 0;
  const auto two = submit("a", [two_gate](Turn&) { two_gate->wait(); });
  const auto three = submit("a", [&](Turn&) { three_was = ++turns_after; });
  const auto other = submit("b", [&](Turn&) { other_was = ++turns_after; });
  one_gate->open();  // the next of a goes on: b has not waited long enough
  EXPECT_EQ(one->wait(), Kind::turn);
  ASSERT_TRUE(eventually([&] { return models().counters().turns == 2; }));
  EXPECT_EQ(other->kind(), Kind::none);
  pass(seconds(10));
  models().tick();  // from now on a is held
  two_gate->open();
  EXPECT_EQ(other->wait(), Kind::turn);
  EXPECT_EQ(three->wait(), Kind::turn);
  EXPECT_EQ(other_was, 1);
  EXPECT_EQ(three_was, 2);
  EXPECT_EQ(world.loads, 3);  // a, b, a
  EXPECT_EQ(world.most_living, 1);
}

TEST_F(LocalModelsTest, ARequestThatCannotFitIsToldWhatIsInTheWay) {
  options.pool.limits.models_max = 1;
  options.pool.pinned = {"A"};
  EXPECT_EQ(submit("a")->wait(), Kind::turn);
  const auto outcome = submit("b");
  EXPECT_EQ(outcome->wait(), Kind::error);
  EXPECT_EQ(outcome->code, Errc::resource_exhausted);
  EXPECT_THAT(outcome->message, HasSubstr("in the way, pinned: \"a:latest\""));
}

TEST_F(LocalModelsTest, AModelLargerThanTheMemoryIsRefusedWithItsNeed) {
  options.pool.limits.memory.host_bytes = 300;
  const auto outcome = submit("a");
  EXPECT_EQ(outcome->wait(), Kind::error);
  EXPECT_EQ(outcome->code, Errc::resource_exhausted);
  EXPECT_THAT(outcome->message, HasSubstr("models may take 300 B"));
  EXPECT_EQ(world.loads, 0);
}

TEST_F(LocalModelsTest, OtherLoadOptionsLoadTheModelAnew) {
  EXPECT_EQ(submit("a")->wait(), Kind::turn);
  std::string loaded_with;
  world.on_load = [&](const EngineSpec& spec) {
    loaded_with = store::print_parameters(spec.load_options);
  };
  const auto large = submit({.model = "a", .options = {{"num_ctx", int64_t{1234}}}});
  EXPECT_EQ(large->wait(), Kind::turn);
  EXPECT_EQ(loaded_with, R"({"num_ctx":1234})");
  const auto same =
      submit({.model = "a", .options = {{"num_ctx", int64_t{1234}}, {"temperature", 0.5}}});
  EXPECT_EQ(same->wait(), Kind::turn);
  EXPECT_EQ(world.loads, 2);
  EXPECT_EQ(world.most_living, 1);
}

TEST_F(LocalModelsTest, AnEngineThatDiesInAnAnswerEndsItWithAnErrorAndIsRestarted) {
  const auto begun = make_gate(), gate = make_gate();
  const auto broken = submit("a", [&](Turn& turn) {
    const std::unique_ptr<AnswerStream> stream = turn.engine.answer({});
    EXPECT_TRUE(stream->next());
    begun->open();
    gate->wait();
    while (stream->next()) {
    }
  });
  ASSERT_TRUE(begun->wait());
  world.kill_all();
  EXPECT_EQ(submit("a")->wait(), Kind::turn);  // with a new one, while the old turn goes on
  gate->open();
  EXPECT_EQ(broken->wait(), Kind::error);
  EXPECT_EQ(broken->code, Errc::unavailable);
  ASSERT_TRUE(becomes_idle());
  EXPECT_EQ(models().counters().engines.restarts, 1u);
  EXPECT_EQ(world.loads, 2);
}

TEST_F(LocalModelsTest, ALoadThatFailsFailsAllWhoWaitForIt) {
  const auto gate = make_gate();
  world.on_load = [&](const EngineSpec&) {
    gate->wait();
    throw Error(Errc::unavailable, "killed by signal 9");
  };
  const auto one = submit("a"), two = submit("a");
  gate->open();
  for (const auto& outcome : {one, two}) {
    EXPECT_EQ(outcome->wait(), Kind::error);
    EXPECT_EQ(outcome->message, "killed by signal 9");
  }
  const auto early = submit("a");
  EXPECT_EQ(early->wait(), Kind::error);
  EXPECT_EQ(early->status, 503);
  EXPECT_EQ(early->retry_after, seconds(1));
  EXPECT_EQ(world.loads, 1);
  pass(seconds(1));
  EXPECT_EQ(submit("a")->wait(), Kind::error);
  EXPECT_EQ(world.loads, 2);
  EXPECT_EQ(models().counters().engines.load_failures, 2u);
}

TEST_F(LocalModelsTest, ExceptionsOfOtherKindsInALoadAreErrors) {
  world.on_load = [](const EngineSpec&) { throw std::runtime_error("odd"); };
  const auto odd = submit("a");
  EXPECT_EQ(odd->wait(), Kind::error);
  EXPECT_EQ(odd->message, "model \"a:latest\": odd");
  world.on_load = [](const EngineSpec&) { throw std::bad_alloc(); };
  const auto large = submit("b");
  EXPECT_EQ(large->wait(), Kind::error);
  EXPECT_EQ(large->code, Errc::resource_exhausted);
}

TEST_F(LocalModelsTest, ALoadThatHangsEndsWithAnErrorAndNothingElseWaitsForIt) {
  world.on_load = [&](const EngineSpec& spec) {
    if (spec.model != "a:latest") return;
    Gate gate;
    const std::stop_callback open(spec.cancelled, [&] { gate.open(); });
    EXPECT_TRUE(gate.wait());
    throw Error(Errc::unavailable, "gave up");
  };
  const auto stuck = submit("a");
  EXPECT_EQ(submit("b")->wait(), Kind::turn);
  pass(seconds(300));
  models().tick();
  EXPECT_EQ(stuck->wait(), Kind::error);
  EXPECT_EQ(stuck->code, Errc::unavailable);
  EXPECT_EQ(stuck->message, "model \"a:latest\" has not loaded within 300 s (load_max)");
  EXPECT_TRUE(becomes_idle());
}

TEST_F(LocalModelsTest, DrainsByEndingTheTurnsUnderWayAndRefusingTheRest) {
  world.answers_max = 1;
  const auto [busy, gate] = occupy({.model = "a"});
  const auto waiting = submit("a");
  EXPECT_FALSE(models().drain(milliseconds(1)));
  EXPECT_EQ(waiting->wait(), Kind::error);
  EXPECT_EQ(waiting->status, 503);
  const auto late = submit("a");
  EXPECT_EQ(late->wait(), Kind::error);
  EXPECT_EQ(late->message, "the server is shutting down");
  EXPECT_EQ(busy->kind(), Kind::none);
  gate->open();
  EXPECT_TRUE(models().drain(kPatience));
  EXPECT_EQ(busy->wait(), Kind::turn);
}

TEST_F(LocalModelsTest, DestructionEndsLoadsAndRefusesWhoWaits) {
  const auto begun = make_gate();
  world.on_load = [&](const EngineSpec& spec) {
    begun->open();
    Gate gate;
    const std::stop_callback open(spec.cancelled, [&] { gate.open(); });
    EXPECT_TRUE(gate.wait());
  };
  const auto outcome = submit("a");
  ASSERT_TRUE(begun->wait());
  destroy_models();
  EXPECT_EQ(outcome->wait(), Kind::error);
  EXPECT_EQ(world.living, 0);
}

TEST_F(LocalModelsTest, TicksByItselfAndSurvivesACrowdThatLeavesAndEnginesThatDie) {
  options.tick_every = milliseconds(1);
  options.clock = [] { return std::chrono::steady_clock::now(); };
  options.pool.limits.models_max = 2;
  options.pool.residence_min = options.displace_after = seconds(0);
  options.turns_in_all_max = 5;
  constexpr int kThreads = 4, kCalls = 100;
  std::atomic<int> turns{0}, errors{0}, left{0};
  {
    models();
    std::vector<std::jthread> clients;
    for (int t = 0; t < kThreads; ++t)
      clients.emplace_back([&, t] {
        for (int i = 0; i < kCalls; ++i) {
          std::stop_source closed;
          const bool leaves = i % 5 == 0;
          const auto outcome =
              submit({.model = std::string(1, static_cast<char>('a' + (i + t) % 3)),
                      .caller = std::to_string(t),
                      .priority = i % 2 ? Priority::batch : Priority::interactive,
                      .keep_alive = milliseconds(i % 3),
                      .closed = closed.get_token()},
                     [](Turn& turn) {
                       const std::unique_ptr<AnswerStream> stream = turn.engine.answer({});
                       while (stream->next()) {
                       }
                     });
          if (i % 17 == 0) world.kill_all();
          if (leaves) {
            closed.request_stop();
            ++left;
          } else {
            ++(outcome->wait() == Kind::turn ? turns : errors);
          }
        }
      });
  }
  EXPECT_EQ(turns + errors + left, kThreads * kCalls);
  EXPECT_GT(turns, 0);
  EXPECT_TRUE(becomes_idle());
}

}  // namespace
}  // namespace hearth::serve
