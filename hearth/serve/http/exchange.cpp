#include "hearth/serve/http/exchange.h"

#include <algorithm>
#include <utility>

#include "hearth/base/error.h"

namespace hearth::http {

Exchange::Exchange(Request request, size_t stream_bytes_max, std::function<void()> wake)
    : request_(std::move(request)), stream_bytes_max_(stream_bytes_max), wake_(std::move(wake)) {
  request_.closed = stop_.get_token();
}

void Exchange::begin(Response head, bool streamed) {
  HEARTH_CHECK(!started_);
  started_ = true;
  pending_.head = std::move(head);
  pending_.streamed = streamed;
}

void Exchange::end(bool cut) {
  HEARTH_CHECK(started_ && !ended_);
  ended_ = pending_.ended = true;
  pending_.cut = cut;
}

void Exchange::send(Response whole) {
  {
    std::lock_guard lock(mutex_);
    begin(std::move(whole), false);
    end(false);
  }
  wake_();
}

void Exchange::start(Response head) {
  head.body.clear();
  {
    std::lock_guard lock(mutex_);
    begin(std::move(head), true);
  }
  wake_();
}

bool Exchange::has_room(size_t bytes) const {
  // One that fits in no room at all must not wait for ever.
  return pending_.bytes.empty() ||
         bytes <= stream_bytes_max_ - std::min(stream_bytes_max_, pending_.bytes.size());
}

void Exchange::put(std::string_view bytes) {
  HEARTH_CHECK(started_ && !ended_);
  pending_.bytes += bytes;
}

bool Exchange::write(std::string_view bytes) {
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || has_room(bytes.size()); });
    if (closed_) return false;
    put(bytes);
  }
  wake_();
  return true;
}

bool Exchange::try_write(std::string_view bytes) {
  {
    std::lock_guard lock(mutex_);
    if (closed_ || !has_room(bytes.size())) return false;
    put(bytes);
  }
  wake_();
  return true;
}

void Exchange::finish() {
  {
    std::lock_guard lock(mutex_);
    end(false);
  }
  wake_();
}

void Exchange::abandon() {
  {
    std::lock_guard lock(mutex_);
    end(true);
  }
  wake_();
}

bool Exchange::is_started() const {
  std::lock_guard lock(mutex_);
  return started_;
}

bool Exchange::is_closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

Exchange::Output Exchange::take() {
  Output taken;
  {
    std::lock_guard lock(mutex_);
    taken = std::exchange(pending_, Output{});
  }
  room_.notify_all();
  return taken;
}

void Exchange::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  room_.notify_all();
  stop_.request_stop();
}

}  // namespace hearth::http
