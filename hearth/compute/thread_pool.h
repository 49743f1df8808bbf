// A pool of threads for data-parallel loops that last microseconds to milliseconds.
//
// The calling thread is thread 0 and does its share. The others spin for a short while after a
// loop, because the next one of a forward pass follows within microseconds, and then sleep on a
// futex: an idle pool burns no core.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "hearth/base/function_ref.h"

namespace hearth {

class ThreadPool {
 public:
  static constexpr int kThreadsMax = 1024;

  /// `threads` >= 1 in all, the caller included; 0 takes one per core this process may run on.
  /// Errors: invalid_argument (below 0 or above kThreadsMax), resource_exhausted (the system starts
  /// no more threads).
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(0) here and at the same time body(thread) on each other thread, 0 < thread <
  /// size(), that gets to it before body(0) returns; returns when all that began have ended. So a
  /// thread that other programs keep off its core holds up nobody, and `body` must be fit for any
  /// company: take pieces of work from a counter until none is left. Allocates nothing. Not
  /// reentrant, and called from one thread at a time. `body` must not throw.
  void share(FunctionRef<void(int thread)> body);

  /// Splits [0, count) into ranges of about `grain` and calls body(begin, end, thread) until none
  /// is left; threads that finish early take more. `grain` >= 1.
  void parallel_for(size_t count, size_t grain,
                    FunctionRef<void(size_t begin, size_t end, int thread)> body);

 private:
  void work(int thread);
  void stop();

  std::vector<std::thread> workers_;
  std::atomic<uint32_t> generation_{0};  // number of the latest loop; workers wait for it to change
  std::atomic<uint64_t> loop_;           // the loop's number, whether it is closed, workers in it
  std::atomic<bool> stop_{false};
  const FunctionRef<void(int)>* body_ = nullptr;
};

/// Cores that this process may run on, at least 1: its affinity mask, and the quota of the cgroup
/// that it sees as the root, which is a container's own.
int usable_cores();

}  // namespace hearth
