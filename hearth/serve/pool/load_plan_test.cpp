#include "hearth/serve/pool/load_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "hearth/base/rng.h"

namespace hearth::serve {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = LoadPlan::Kind;

constexpr uint64_t kGiB = uint64_t{1} << 30;

struct ResidentOptions {
  bool is_pinned = false, is_busy = false, must_go = false;
};

Resident resident(const std::string& model, uint64_t gib, int last_used_s,
                  const ResidentOptions& options = {}) {
  return {.model = model,
          .memory = {.host_bytes = gib * kGiB},
          .last_used = std::chrono::steady_clock::time_point(std::chrono::seconds(last_used_s)),
          .is_pinned = options.is_pinned,
          .is_busy = options.is_busy,
          .must_go = options.must_go};
}

LoadPlan plan(uint64_t need_gib, const std::vector<Resident>& residents, uint64_t memory_gib,
              int models_max = 0) {
  return plan_load("new", {.host_bytes = need_gib * kGiB}, residents,
                   {.memory = {.host_bytes = memory_gib * kGiB}, .models_max = models_max});
}

TEST(LoadPlan, LoadsBesideOthersWhileThereIsRoom) {
  const LoadPlan got = plan(6, {resident("a", 10, 1)}, 16);
  EXPECT_EQ(got.kind, Kind::load);
  EXPECT_THAT(got.evict, IsEmpty());
}

TEST(LoadPlan, EvictsTheLeastRecentlyUsedFirst) {
  const LoadPlan got = plan(6, {resident("a", 5, 3), resident("b", 5, 1), resident("c", 5, 2)}, 16);
  EXPECT_EQ(got.kind, Kind::load);
  EXPECT_THAT(got.evict, ElementsAre(1));
}

TEST(LoadPlan, WhatNeedNotGoStays) {
  // The small one goes first in the order of use, but the large one suffices and must go anyway.
  const LoadPlan got = plan(10, {resident("small", 1, 1), resident("large", 10, 2)}, 16);
  EXPECT_THAT(got.evict, ElementsAre(1));
}

TEST(LoadPlan, KeepsToTheNumberOfModels) {
  const std::vector<Resident> two = {resident("a", 1, 2), resident("b", 1, 1)};
  EXPECT_THAT(plan(1, two, 100, 2).evict, ElementsAre(1));
  EXPECT_THAT(plan(1, two, 100, 3).evict, IsEmpty());
  const LoadPlan full = plan(1, {resident("a", 1, 1, {.is_pinned = true})}, 100, 1);
  EXPECT_EQ(full.kind, Kind::refuse);
  EXPECT_EQ(full.reason, "model \"new\": models_max is 1; in the way, pinned: \"a\" (1.0 GiB)");
}

TEST(LoadPlan, WaitsForBusyOnesWhereIdleOnesDoNotSuffice) {
  const LoadPlan got = plan(10,
                            {resident("idle", 4, 1), resident("x", 4, 3, {.is_busy = true}),
                             resident("y", 8, 2, {.is_busy = true})},
                            16);
  EXPECT_EQ(got.kind, Kind::wait);
  EXPECT_THAT(got.wait_for, ElementsAre(2));  // 16 - 4 = 12 are free then
  EXPECT_THAT(got.evict, IsEmpty());
}

TEST(LoadPlan, RefusesWhatCanNeverFit) {
  const LoadPlan got = plan(41, {resident("a", 10, 1, {.is_busy = true})}, 40);
  EXPECT_EQ(got.kind, Kind::refuse);
  EXPECT_EQ(got.reason, "model \"new\" needs 41.0 GiB, models may take 40.0 GiB");
}

TEST(LoadPlan, SaysWhatIsInTheWay) {
  const LoadPlan got = plan(30,
                            {resident("a", 10, 1, {.is_pinned = true}), resident("b", 10, 2),
                             resident("c", 5, 1, {.is_pinned = true, .is_busy = true})},
                            40);
  EXPECT_EQ(got.kind, Kind::refuse);
  EXPECT_EQ(got.reason,
            "model \"new\" needs 30.0 GiB, models may take 40.0 GiB, of which 25.0 GiB can be made "
            "free; in the way, pinned: \"a\" (10.0 GiB), \"c\" (5.0 GiB)");
}

TEST(LoadPlan, DeviceMemoryIsCountedOnItsOwn) {
  const LoadPlan got = plan_load("new", {.host_bytes = kGiB, .device_bytes = 9 * kGiB}, {},
                                 {.memory = {.host_bytes = 64 * kGiB, .device_bytes = 8 * kGiB}});
  EXPECT_EQ(got.kind, Kind::refuse);
  EXPECT_EQ(got.reason,
            "model \"new\" needs 1.0 GiB and 9.0 GiB of GPU memory, models may take 64.0 GiB and "
            "8.0 GiB of GPU memory");
}

TEST(LoadPlan, TheSameModelWithOtherOptionsGoesInAnyCase) {
  const Resident idle = resident("new", 2, 1, {.is_pinned = true, .must_go = true});
  EXPECT_THAT(plan(2, {idle}, 100).evict, ElementsAre(0));
  const Resident busy = resident("new", 2, 1, {.is_busy = true, .must_go = true});
  const LoadPlan wait = plan(2, {busy}, 100);
  EXPECT_EQ(wait.kind, Kind::wait);
  EXPECT_THAT(wait.wait_for, ElementsAre(0));
}

// Every choice of residents to give up, weighed by the contract's words alone.
struct BruteForce {
  const std::vector<Resident>& residents;
  Memory need;
  LoadLimits limits;

  bool may_go(size_t i, bool busy_too) const {
    return residents[i].must_go ? true
                                : !residents[i].is_pinned && (busy_too || !residents[i].is_busy);
  }
  bool fits_without(uint32_t gone) const {
    Memory used = need;
    int models = 1;
    for (size_t i = 0; i < residents.size(); ++i) {
      if (gone >> i & 1) continue;
      used.host_bytes += residents[i].memory.host_bytes;
      used.device_bytes += residents[i].memory.device_bytes;
      ++models;
    }
    return used.host_bytes <= limits.memory.host_bytes &&
           used.device_bytes <= limits.memory.device_bytes &&
           (limits.models_max == 0 || models <= limits.models_max);
  }
  bool is_allowed(uint32_t gone, bool busy_too) const {
    for (size_t i = 0; i < residents.size(); ++i) {
      if (gone >> i & 1 && !may_go(i, busy_too)) return false;
      if (!(gone >> i & 1) && residents[i].must_go) return false;
      if (gone >> i & 1 && residents[i].is_busy && !busy_too) return false;
    }
    return true;
  }
  /// The last use of the most recently used one that must go of free will, at best; nothing when
  /// no choice fits.
  std::optional<int64_t> best(bool busy_too) const {
    std::optional<int64_t> best;
    for (uint32_t gone = 0; gone < 1u << residents.size(); ++gone) {
      if (!is_allowed(gone, busy_too) || !fits_without(gone)) continue;
      const int64_t latest = latest_use(gone);
      if (!best || latest < *best) best = latest;
    }
    return best;
  }
  int64_t latest_use(uint32_t gone) const {
    int64_t latest = -1;
    for (size_t i = 0; i < residents.size(); ++i)
      if (gone >> i & 1 && !residents[i].must_go)
        latest = std::max<int64_t>(latest, residents[i].last_used.time_since_epoch().count());
    return latest;
  }
};

uint32_t mask_of(const std::vector<size_t>& indices) {
  uint32_t mask = 0;
  for (const size_t i : indices) mask |= 1u << i;
  return mask;
}

TEST(LoadPlan, AgreesWithBruteForce) {
  int kinds[3] = {};
  for (uint64_t seed = 1; seed <= 5000; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    std::vector<Resident> residents(rng.below(7));
    for (size_t i = 0; i < residents.size(); ++i)
      residents[i] = {.model = std::to_string(i),
                      .memory = {.host_bytes = rng.below(8), .device_bytes = rng.below(4)},
                      .last_used = std::chrono::steady_clock::time_point(
                          std::chrono::nanoseconds(rng.below(1000))),
                      .is_pinned = rng.below(4) == 0,
                      .is_busy = rng.below(3) == 0,
                      .must_go = rng.below(10) == 0};
    const LoadLimits limits = {.memory = {.host_bytes = 15, .device_bytes = 7},
                               .models_max = static_cast<int>(rng.below(5))};
    const Memory need = {.host_bytes = rng.below(17), .device_bytes = rng.below(8)};
    const LoadPlan got = plan_load("new", need, residents, limits);
    const BruteForce oracle{residents, need, limits};
    ++kinds[static_cast<int>(got.kind)];
    const std::optional<int64_t> best = oracle.best(false);
    EXPECT_EQ(got.kind, best ? Kind::load : oracle.best(true) ? Kind::wait : Kind::refuse);
    if (got.kind == Kind::wait) {
      EXPECT_FALSE(got.wait_for.empty());
      for (const size_t i : got.wait_for) EXPECT_TRUE(residents[i].is_busy);
    }
    if (got.kind != Kind::load) continue;
    const uint32_t gone = mask_of(got.evict);
    EXPECT_TRUE(oracle.is_allowed(gone, false));
    EXPECT_TRUE(oracle.fits_without(gone));
    EXPECT_EQ(oracle.latest_use(gone), *best);
    for (const size_t i : got.evict) {  // none of them could stay
      EXPECT_TRUE(residents[i].must_go || !oracle.fits_without(gone & ~(1u << i))) << i;
    }
  }
  for (const int count : kinds) EXPECT_GT(count, 300);  // each kind was met often
}

}  // namespace
}  // namespace hearth::serve
