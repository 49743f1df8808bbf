#include "hearth/serve/pool/answer_threads.h"

#include <system_error>
#include <utility>

#include "hearth/base/error.h"

namespace hearth::serve {

AnswerThreads::AnswerThreads(int threads_max) : threads_max_(static_cast<size_t>(threads_max)) {
  std::lock_guard lock(mutex_);
  try_add_thread();
  if (threads_.empty()) throw Error(Errc::resource_exhausted, "no thread can be started");
}

AnswerThreads::~AnswerThreads() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void AnswerThreads::run(std::function<void()> call) {
  std::lock_guard lock(mutex_);
  calls_.push_back(std::move(call));
  if (calls_.size() > idle_ && threads_.size() < threads_max_) try_add_thread();
  // Under the lock: once the call has run, its owner may destroy all this.
  changed_.notify_one();
}

void AnswerThreads::try_add_thread() {
  try {
    threads_.emplace_back([this] { serve(); });
  } catch (const std::system_error&) {
    // Those that are there will do it, later.
  }
}

void AnswerThreads::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [&] { return stopping_ || !calls_.empty(); });
    --idle_;
    if (calls_.empty()) return;
    {
      const std::function<void()> call = std::move(calls_.front());
      calls_.pop_front();
      lock.unlock();
      call();
    }  // destroyed before the lock is taken again
    lock.lock();
  }
}

}  // namespace hearth::serve
