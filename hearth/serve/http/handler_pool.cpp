#include "hearth/serve/http/handler_pool.h"

#include <utility>

#include "hearth/base/error.h"

namespace hearth::http {

HandlerPool::HandlerPool(int threads, size_t waiting_max) : waiting_max_(waiting_max) {
  HEARTH_CHECK(threads >= 1);
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

HandlerPool::~HandlerPool() {
  std::deque<std::function<void()>> dropped;  // destroyed without the lock: that answers requests
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(waiting_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool HandlerPool::try_submit(std::function<void()> call) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() >= waiting_max_ + idle_) return false;
    waiting_.push_back(std::move(call));
  }
  changed_.notify_one();
  return true;
}

void HandlerPool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (stopping_) return;
    {
      std::function<void()> call = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      call();
    }  // destroyed before the lock is taken again: it may hold the last end of an answer
    lock.lock();
  }
}

}  // namespace hearth::http
