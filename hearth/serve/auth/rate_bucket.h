// How many requests a key may begin within a minute.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace hearth::serve {

/// A token bucket: full with a minute's requests at first, refilled evenly. So at most twice as
/// many begin within any one minute, and as many as allowed in the long run.
class RateBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Seconds = std::chrono::duration<double>;

  RateBucket(int64_t per_minute, Time now)
      : per_minute_(static_cast<double>(per_minute)), left_(per_minute_), filled_(now) {}

  /// Takes one request; or nothing is taken, and the result says when there is one.
  std::optional<Seconds> try_take(Time now) {
    fill(now);
    if (left_ < 1) return Seconds((1 - left_) * 60 / per_minute_);
    left_ -= 1;
    return std::nullopt;
  }
  /// A new limit leaves what was used used.
  void set_limit(int64_t per_minute, Time now) {
    fill(now);
    const double used = per_minute_ - left_;
    per_minute_ = static_cast<double>(per_minute);
    left_ = std::max(0.0, per_minute_ - used);
  }

 private:
  void fill(Time now) {
    if (now <= filled_) return;
    left_ = std::min(per_minute_, left_ + Seconds(now - filled_).count() * per_minute_ / 60);
    filled_ = now;
  }

  double per_minute_, left_;
  Time filled_;
};

}  // namespace hearth::serve
