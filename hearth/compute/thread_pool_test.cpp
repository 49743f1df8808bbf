#include "hearth/compute/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numeric>

#include "hearth/base/error.h"

namespace hearth {
namespace {

TEST(ThreadPool, EveryIndexIsVisitedOnceWhateverTheGrain) {
  for (int threads : {1, 2, 3, 7})
    for (size_t grain : {1, 3, 1000}) {
      ThreadPool pool(threads);
      for (size_t count : {0, 1, 2, 100, 1001}) {
        std::vector<int> visits(count);
        pool.parallel_for(count, grain, [&](size_t begin, size_t end, int thread) {
          ASSERT_LT(thread, threads);
          for (size_t i = begin; i < end; ++i) ++visits[i];
        });
        EXPECT_EQ(std::accumulate(visits.begin(), visits.end(), 0u), count);
        EXPECT_EQ(std::count(visits.begin(), visits.end(), 1), static_cast<long>(count));
      }
    }
}

TEST(ThreadPool, ALoopHasTheCallerAndEachOtherThreadAtMostOnce) {
  ThreadPool pool(4);
  std::vector<int> calls(4);
  for (int round = 0; round < 20000; ++round) {
    std::vector<int> before = calls;
    pool.share([&](int thread) { ++calls[static_cast<size_t>(thread)]; });
    for (size_t thread = 0; thread < 4; ++thread) ASSERT_LE(calls[thread] - before[thread], 1);
  }
  EXPECT_EQ(calls[0], 20000);
}

TEST(ThreadPool, ALoopEndsAfterAllThatBeganIt) {
  ThreadPool pool(4);
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> began{0}, ended{0};
    pool.share([&](int thread) {
      ++began;
      if (thread != 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
      // The caller stays until another has come, so that there is one to wait for.
      while (thread == 0 && began < 2) std::this_thread::yield();
      ++ended;
    });
    ASSERT_EQ(began, ended);
  }
}

TEST(ThreadPool, AThreadThatGetsNoCoreHoldsUpNobody) {
  // All threads on one core: the caller has done its loop before the others wake.
  cpu_set_t all, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  {
    ThreadPool pool(8);
    int joined = 0;
    constexpr int kLoops = 1000;
    for (int round = 0; round < kLoops; ++round) {
      std::atomic<int> threads{0};
      pool.share([&](int) { ++threads; });
      joined += threads - 1;
    }
    EXPECT_LT(joined, kLoops * 7 / 2) << "the caller waited for threads that had not begun";
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof all, &all), 0);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](timeval t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST(ThreadPool, AnIdlePoolBurnsNoCore) {
  ThreadPool pool(4);
  pool.share([](int) {});
  const double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  // Three workers spin 0.1 ms each; burning a core would be 300 ms and more.
  EXPECT_LT(cpu_seconds() - before, 0.1);
}

TEST(ThreadPool, AThreadCountOutOfRangeIsAnError) {
  EXPECT_THROW(ThreadPool(-1), Error);
  EXPECT_THROW(ThreadPool(1025), Error);
  EXPECT_GE(usable_cores(), 1);
}

rlim_t address_space_bytes() {
  std::ifstream statm("/proc/self/statm");
  rlim_t pages = 0;
  statm >> pages;
  return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

[[noreturn]] void start_more_threads_than_there_is_room_for() {
  const rlim_t bytes = address_space_bytes() + (rlim_t{100} << 20);  // about ten stacks
  const rlimit limit = {bytes, bytes};
  setrlimit(RLIMIT_AS, &limit);
  try {
    ThreadPool pool(1024);
  } catch (const Error& e) {
    std::fprintf(stderr, "%s", e.what());
    std::exit(exit_status(e.code()));
  }
  std::exit(1);
}

TEST(ThreadPoolDeathTest, ThreadsThatTheSystemRefusesAreAnError) {
  if (address_space_bytes() > rlim_t{1} << 40)
    GTEST_SKIP() << "a sanitizer's shadow memory leaves nothing to limit";
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  // In a child, because the limit stays.
  EXPECT_EXIT(start_more_threads_than_there_is_room_for(),
              testing::ExitedWithCode(exit_status(Errc::resource_exhausted)),
              "threads: only [0-9]+ of 1024 could be started");
}

}  // namespace
}  // namespace hearth
