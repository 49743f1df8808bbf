#include "hearth/compute/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <system_error>

#include "hearth/base/error.h"

namespace hearth {
namespace {

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Long enough to bridge the serial pieces between two loops of a forward pass (tens of
// microseconds), short enough that an idle pool costs nothing: after this a thread sleeps.
constexpr std::chrono::microseconds kSpin{100};

// Spins, then sleeps, until `value` differs from `old`.
template <class T>
void wait_for_change(std::atomic<T>& value, T old) {
  const auto until = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 64; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      pause_briefly();
    }
  } while (std::chrono::steady_clock::now() < until);
  value.wait(old, std::memory_order_acquire);
}

// cgroup v2 quota in cores, rounded up; a large number without a quota, which the file calls "max".
int quota_cores() {
  constexpr double kNoQuota = 1 << 20;
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota_us = 0, period_us = 0;
  if (!(file >> quota_us >> period_us) || period_us <= 0) return static_cast<int>(kNoQuota);
  return static_cast<int>(std::clamp(std::ceil(quota_us / period_us), 1.0, kNoQuota));
}

// What ThreadPool::loop_ holds: the loop's number in the upper half; that nobody may begin any
// more; how many workers are in it.
constexpr uint64_t kClosed = uint64_t{1} << 31, kInside = kClosed - 1;
constexpr uint32_t number_of(uint64_t loop) { return static_cast<uint32_t>(loop >> 32); }

}  // namespace

ThreadPool::ThreadPool(int threads) : loop_(kClosed) {
  if (threads < 0 || threads > kThreadsMax)
    throw Error(Errc::invalid_argument, "threads: {} is not between 0 (one per core) and {}",
                threads, kThreadsMax);
  const int count = threads == 0 ? std::min(usable_cores(), kThreadsMax) : threads;
  workers_.reserve(static_cast<size_t>(count - 1));
  try {
    for (int i = 1; i < count; ++i) workers_.emplace_back([this, i] { work(i); });
  } catch (const std::system_error& error) {
    const int started = size();
    stop();  // a thread that is destroyed while it runs would end the program
    throw Error(Errc::resource_exhausted, "threads: only {} of {} could be started: {}", started,
                count, error.what());
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  stop_ = true;
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::work(int thread) {
  uint32_t seen = 0;
  while (true) {
    wait_for_change(generation_, seen);
    if (stop_) return;
    uint64_t loop = loop_.load(std::memory_order_acquire);
    while (!(loop & kClosed) && number_of(loop) != seen &&
           !loop_.compare_exchange_weak(loop, loop + 1, std::memory_order_acq_rel)) {
    }
    const bool inside = !(loop & kClosed) && number_of(loop) != seen;
    seen = number_of(loop);
    if (!inside) continue;
    (*body_)(thread);
    if (((loop_.fetch_sub(1, std::memory_order_acq_rel) - 1) & (kClosed | kInside)) == kClosed)
      loop_.notify_one();
  }
}

void ThreadPool::share(FunctionRef<void(int)> body) {
  if (workers_.empty()) return body(0);
  body_ = &body;
  const uint32_t number = generation_.load(std::memory_order_relaxed) + 1;
  loop_.store(uint64_t{number} << 32, std::memory_order_release);
  generation_.store(number, std::memory_order_release);
  generation_.notify_all();
  body(0);
  uint64_t loop = loop_.fetch_or(kClosed, std::memory_order_acq_rel) | kClosed;
  while (loop & kInside) {
    wait_for_change(loop_, loop);
    loop = loop_.load(std::memory_order_acquire);
  }
}

void ThreadPool::parallel_for(size_t count, size_t grain,
                              FunctionRef<void(size_t begin, size_t end, int thread)> body) {
  HEARTH_CHECK(grain >= 1);
  if (count == 0) return;
  if (workers_.empty() || count <= grain) return body(0, count, 0);
  std::atomic<size_t> next{0};
  share([&](int thread) {
    while (true) {
      const size_t begin = next.fetch_add(grain, std::memory_order_relaxed);
      if (begin >= count) return;
      body(begin, std::min(begin + grain, count), thread);
    }
  });
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // A machine with more cores than a cpu_set_t has bits refuses the call.
  const bool has_mask = ::sched_getaffinity(0, sizeof set, &set) == 0;
  const int cores =
      has_mask ? CPU_COUNT(&set) : static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, std::min(cores, quota_cores()));
}

}  // namespace hearth
