// Threads that are there when they are needed: each runs one thing at a time, which may wait long.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace hearth::serve {

class AnswerThreads {
 public:
  /// At most `threads_max` >= 1 threads, and one at once, so that run() cannot fail for the lack of
  /// any. Errors: resource_exhausted (no thread can be started).
  explicit AnswerThreads(int threads_max);
  /// Waits for everything that was given to run().
  ~AnswerThreads();
  AnswerThreads(const AnswerThreads&) = delete;
  AnswerThreads& operator=(const AnswerThreads&) = delete;

  /// Runs `call`, which must not throw, on a thread that is idle, on a new one, or, when
  /// threads_max are busy or the system gives no more, on the first that comes free.
  void run(std::function<void()> call);

 private:
  void try_add_thread();  // under the lock
  void serve();

  const size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> calls_;  // its owner gives no more than threads_max at once
  size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace hearth::serve
