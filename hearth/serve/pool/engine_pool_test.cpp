#include "hearth/serve/pool/engine_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/serve/pool/fake_engine_for_test.h"

namespace hearth::serve {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

PoolTime at(int s) { return PoolTime(seconds(s)); }

/// A model that takes `bytes`; models of different first letters differ in their digest.
struct Model {
  EngineSpec spec;
  uint64_t bytes;

  explicit Model(const std::string& name, uint64_t bytes_needed = 10, int num_ctx = 0)
      : bytes(bytes_needed) {
    spec.model = name;
    spec.digest = store::sha256(name);
    if (num_ctx > 0) spec.load_options["num_ctx"] = int64_t{num_ctx};
  }
};

class EnginePoolTest : public testing::Test {
 protected:
  EnginePoolTest() {
    options.limits.memory.host_bytes = 100;
    options.residence_min = seconds(10);
  }

  std::optional<EnginePool::Load> demand(const Model& model, int s, bool may_displace = false) {
    return pool().demand(
        {.spec = model.spec, .need = {.host_bytes = model.bytes}, .may_displace = may_displace},
        at(s));
  }
  /// Loads at once; the engine's id.
  EngineId load(const Model& model, int s, bool may_displace = false) {
    const auto load = demand(model, s, may_displace);
    if (!load) throw std::runtime_error("not loaded: " + model.spec.model);
    auto engine = std::make_unique<FakeEngine>();
    engines[load->id] = engine.get();
    pool().loaded(load->id, std::move(engine), at(s));
    pool().set_wanted(load->id, false);
    return load->id;
  }
  void use(EngineId id, int until_s) {
    pool().begin_turn(id);
    pool().end_turn(id, keep_alive, at(until_s));
  }
  EnginePool& pool() {
    if (!pool_) pool_.emplace(options);
    return *pool_;
  }

  PoolOptions options;
  std::optional<KeepAlive> keep_alive;
  std::map<EngineId, FakeEngine*> engines;

 private:
  std::optional<EnginePool> pool_;
};

TEST_F(EnginePoolTest, RequestsForOneModelWaitForOneLoad) {
  const Model a("a");
  const auto first = demand(a, 0);
  ASSERT_TRUE(first);
  EXPECT_FALSE(demand(a, 1));
  EXPECT_EQ(pool().find(a.spec.key()), std::nullopt);
  EXPECT_EQ(pool().loading(), 1);
  pool().loaded(first->id, std::make_unique<FakeEngine>(), at(3));
  EXPECT_EQ(pool().find(a.spec.key()), first->id);
  EXPECT_EQ(pool().load_ended(first->id) - pool().load_began(first->id), seconds(3));
  EXPECT_EQ(pool().counts().loads.at("a"), 1u);
}

TEST_F(EnginePoolTest, KeepsAnEngineForKeepAliveAfterItsLastTurn) {
  const EngineId id = load(Model("a"), 0);
  pool().begin_turn(id);
  EXPECT_THAT(pool().sweep(at(1000)), testing::IsEmpty());  // busy
  pool().end_turn(id, std::nullopt, at(1000));
  EXPECT_EQ(pool().list().at(0).expires, at(1300));
  EXPECT_THAT(pool().sweep(at(1299)), testing::IsEmpty());
  EXPECT_THAT(pool().sweep(at(1300)), testing::SizeIs(1));
  EXPECT_THAT(pool().list(), testing::IsEmpty());
  EXPECT_EQ(pool().counts().expirations, 1u);
}

TEST_F(EnginePoolTest, TheLastRequestSaysHowLong) {
  const EngineId id = load(Model("a"), 0);
  pool().begin_turn(id);
  pool().end_turn(id, KeepAlive(-1), at(10));
  EXPECT_EQ(pool().list().at(0).expires, PoolTime::max());
  pool().begin_turn(id);
  pool().end_turn(id, KeepAlive::max(), at(10));  // would pass the end of time
  EXPECT_EQ(pool().list().at(0).expires, PoolTime::max());
  pool().begin_turn(id);
  pool().end_turn(id, KeepAlive(0), at(20));
  EXPECT_THAT(pool().sweep(at(20)), testing::SizeIs(1));
}

TEST_F(EnginePoolTest, WhatSomebodyWaitsForDoesNotExpire) {
  const EngineId id = load(Model("a"), 0);
  pool().set_wanted(id, true);
  EXPECT_THAT(pool().sweep(at(10000)), testing::IsEmpty());
}

TEST_F(EnginePoolTest, PinnedModelsStayAndAreNotEvicted) {
  options.pinned = {"A"};
  keep_alive = KeepAlive(0);
  use(load(Model("a", 60), 0), 1);
  EXPECT_THAT(pool().sweep(at(10000)), testing::IsEmpty());
  EXPECT_TRUE(pool().list().at(0).is_pinned);
  try {
    demand(Model("b", 60), 10000);
    FAIL() << "there is no room";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::resource_exhausted);
    EXPECT_THAT(error.what(), testing::HasSubstr("in the way, pinned: \"a\" (60 B)"));
  }
  EXPECT_TRUE(pool().unload("a"));  // whoever asks for it by name
  EXPECT_THAT(pool().sweep(at(10000)), testing::SizeIs(1));
}

TEST_F(EnginePoolTest, EvictsTheLeastRecentlyUsedToMakeRoom) {
  const EngineId a = load(Model("a", 40), 0);
  const EngineId b = load(Model("b", 40), 1);
  use(b, 3);
  use(a, 5);
  const auto c = demand(Model("c", 40), 6);
  ASSERT_TRUE(c);
  EXPECT_THAT(c->evicted, testing::SizeIs(1));
  EXPECT_EQ(c->evicted[0].get(), engines[b]);
  EXPECT_EQ(pool().counts().evictions, 1u);
}

TEST_F(EnginePoolTest, WhatAnEngineSaysItTakesCountsInsteadOfTheEstimate) {
  const auto first = demand(Model("a", 10), 0);
  auto engine = std::make_unique<FakeEngine>();
  engine->facts_to_set().memory_bytes = 95;
  engine->facts_to_set().device_bytes = 5;
  pool().loaded(first->id, std::move(engine), at(0));
  pool().set_wanted(first->id, false);
  EXPECT_THAT(demand(Model("b", 11), 1)->evicted, testing::SizeIs(1));  // 90 of the host's
}

TEST_F(EnginePoolTest, KeepsToModelsMax) {
  options.limits.models_max = 1;
  load(Model("a"), 0);
  EXPECT_THAT(demand(Model("b"), 1)->evicted, testing::SizeIs(1));
}

TEST_F(EnginePoolTest, OtherLoadOptionsLoadTheModelAnew) {
  const EngineId small = load(Model("a", 10, 1024), 0);
  pool().begin_turn(small);
  const Model large("a", 10, 4096);
  EXPECT_EQ(pool().find(large.spec.key()), std::nullopt);
  EXPECT_FALSE(demand(large, 1));  // after the turns of the other
  pool().end_turn(small, std::nullopt, at(2));
  const auto load = demand(large, 2);
  ASSERT_TRUE(load);
  EXPECT_EQ(load->evicted.at(0).get(), engines[small]);
}

TEST_F(EnginePoolTest, ABusyEngineIsHeldOnlyAfterItsTimeAndForWhoHasWaited) {
  const EngineId a = load(Model("a", 60), 0);
  pool().begin_turn(a);
  pool().set_wanted(a, true);
  const Model b("b", 60);
  EXPECT_FALSE(demand(b, 20, /*may_displace=*/false));
  EXPECT_FALSE(pool().is_held(a));
  EXPECT_FALSE(demand(b, 9, /*may_displace=*/true));
  EXPECT_FALSE(pool().is_held(a));
  EXPECT_FALSE(demand(b, 10, /*may_displace=*/true));
  EXPECT_TRUE(pool().is_held(a));
  pool().end_turn(a, std::nullopt, at(11));
  // Between two turns it is not idle for those who have not waited.
  EXPECT_FALSE(demand(b, 11, /*may_displace=*/false));
  EXPECT_TRUE(demand(b, 11, /*may_displace=*/true));
}

TEST_F(EnginePoolTest, AnEngineThatSomebodyWaitsForAnswersOnceBeforeItMakesRoom) {
  options.residence_min = seconds(0);
  const EngineId a = load(Model("a", 60), 0);
  pool().set_wanted(a, true);
  EXPECT_FALSE(demand(Model("b", 60), 1, /*may_displace=*/true));
  use(a, 2);
  EXPECT_TRUE(demand(Model("b", 60), 3, /*may_displace=*/true));
}

TEST_F(EnginePoolTest, HoldsEndWhenTheyAreReleased) {
  const EngineId a = load(Model("a", 60), 0);
  pool().begin_turn(a);
  demand(Model("b", 60), 20, /*may_displace=*/true);
  EXPECT_TRUE(pool().is_held(a));
  pool().release_holds();
  EXPECT_FALSE(pool().is_held(a));
}

TEST_F(EnginePoolTest, ADeadEngineIsDroppedWithItsTurnsAndRestarted) {
  const Model a("a", 60);
  const EngineId id = load(a, 0);
  const std::shared_ptr<Engine> held = pool().begin_turn(id);
  engines[id]->die();
  EXPECT_EQ(pool().find(a.spec.key()), std::nullopt);
  EXPECT_THAT(pool().sweep(at(1)), testing::SizeIs(1));
  const EngineId again = load(a, 2);
  EXPECT_NE(again, id);
  pool().end_turn(id, std::nullopt, at(3));  // of the dead one: counts for nothing
  EXPECT_EQ(pool().list().at(0).expires, at(2 + 300));
  EXPECT_EQ(pool().counts().deaths, 1u);
  EXPECT_EQ(pool().counts().restarts, 1u);
}

TEST_F(EnginePoolTest, PausesLongerEachTimeAnEngineDiesWhileLoading) {
  const Model a("a");
  int now = 0;
  for (const int pause : {1, 2, 4, 8, 16, 32, 60, 60}) {
    const auto load = demand(a, now);
    ASSERT_TRUE(load);
    pool().load_failed(load->id, Error(Errc::unavailable, "killed by signal 9"), at(now));
    try {
      demand(a, now);
      FAIL() << "no pause";
    } catch (const Refusal& refusal) {
      EXPECT_EQ(refusal.retry_after(), seconds(pause));
      EXPECT_EQ(refusal.status(), 503);
      EXPECT_THAT(refusal.what(), testing::HasSubstr("killed by signal 9"));
    }
    now += pause;
  }
  load(a, now);
  EXPECT_EQ(pool().counts().load_failures, 8u);
  // A success ends the count.
  engines.begin()->second->die();
  pool().sweep(at(now));
  const auto again = demand(a, now);
  pool().load_failed(again->id, Error(Errc::unavailable, "x"), at(now));
  EXPECT_TRUE(demand(a, now + 1));
}

TEST_F(EnginePoolTest, AModelThatCannotBeLoadedIsTriedEachTime) {
  const Model a("a");
  const auto load = demand(a, 0);
  pool().load_failed(load->id, Error(Errc::corrupt_data, "no tensors"), at(0));
  EXPECT_TRUE(demand(a, 0));
}

TEST_F(EnginePoolTest, ALoadThatTakesTooLongIsAskedToGiveUp) {
  const Model a("a");
  const auto load = demand(a, 0);
  EXPECT_THAT(pool().late_loads(at(299)), testing::IsEmpty());
  EXPECT_FALSE(load->spec.cancelled.stop_requested());
  EXPECT_THAT(pool().late_loads(at(300)), testing::ElementsAre(a.spec.key()));
  EXPECT_TRUE(load->spec.cancelled.stop_requested());
}

TEST_F(EnginePoolTest, UnloadWaitsForTurnsAndForLoads) {
  const Model a("a");
  const EngineId id = load(a, 0);
  pool().begin_turn(id);
  EXPECT_TRUE(pool().unload("A"));
  EXPECT_EQ(pool().find(a.spec.key()), std::nullopt);  // no new turns
  EXPECT_THAT(pool().sweep(at(1)), testing::IsEmpty());
  EXPECT_FALSE(demand(a, 1));  // loaded anew when it has gone
  pool().end_turn(id, std::nullopt, at(2));
  EXPECT_THAT(pool().sweep(at(2)), testing::SizeIs(1));
  EXPECT_FALSE(pool().unload("a"));
  const auto load = demand(a, 3);
  EXPECT_TRUE(pool().unload("a"));
  pool().loaded(load->id, std::make_unique<FakeEngine>(), at(4));
  EXPECT_THAT(pool().sweep(at(4)), testing::SizeIs(1));
}

}  // namespace
}  // namespace hearth::serve
