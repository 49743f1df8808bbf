// The threads on which handlers run, so that a slow one never holds up the network.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace hearth::http {

class HandlerPool {
 public:
  /// Starts `threads` >= 1 threads. At most `waiting_max` calls wait for one.
  HandlerPool(int threads, size_t waiting_max);
  /// Drops what waits and joins what runs.
  ~HandlerPool();
  HandlerPool(const HandlerPool&) = delete;
  HandlerPool& operator=(const HandlerPool&) = delete;

  /// Runs `call`, which must not throw, on one of the threads; false, and `call` is gone, when
  /// waiting_max wait already.
  bool try_submit(std::function<void()> call);

 private:
  void run();

  const size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace hearth::http
