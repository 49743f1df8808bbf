#include "hearth/store/registry/retry.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>

namespace hearth::store {

bool may_pass(const HttpAnswer& answer) {
  return !answer.failure.empty() || answer.status == 408 || answer.status == 425 ||
         answer.status == 429 || answer.status >= 500;
}

std::chrono::milliseconds backoff(const TransferLimits& limits, int failures,
                                  const HttpAnswer& answer) {
  std::chrono::milliseconds wait = std::min(limits.backoff_first, limits.backoff_max);
  for (int i = 1; i < failures && wait < limits.backoff_max; ++i)
    wait = std::min(2 * wait, limits.backoff_max);
  const std::string asked = answer.header("retry-after");
  uint32_t seconds = 0;
  // The other form, a date, is rare and depends on two clocks: it counts as not given.
  const auto [end, error] = std::from_chars(asked.data(), asked.data() + asked.size(), seconds);
  if (error == std::errc() && end == asked.data() + asked.size())
    wait = std::max<std::chrono::milliseconds>(
        wait, std::min(std::chrono::seconds(seconds), kRetryAfterMax));
  return wait;
}

bool Retry::wait_after(const HttpAnswer& answer, const std::stop_token& cancelled) {
  if (!may_pass(answer) || ++failures_ >= limits_.attempts_max) return false;
  wait_unless(cancelled, backoff(limits_, failures_, answer));
  return true;
}

void wait_unless(const std::stop_token& cancelled, std::chrono::milliseconds time) {
  std::mutex mutex;
  std::condition_variable_any woken;
  std::unique_lock lock(mutex);
  woken.wait_for(lock, cancelled, time, [] { return false; });
  if (cancelled.stop_requested()) throw_cancelled();
}

}  // namespace hearth::store
