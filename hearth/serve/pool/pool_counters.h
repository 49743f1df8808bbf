// What the models on this machine have done so far, for metrics.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>

#include "hearth/serve/pool/engine_pool.h"

namespace hearth::serve {

/// How long requests waited for their turn.
struct QueueHistogram {
  /// Upper bounds in seconds, inclusive; what is longer counts in the last of `counts`.
  static constexpr std::array<double, 10> kBounds_s = {0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600};

  std::array<uint64_t, kBounds_s.size() + 1> counts{};  // of each range, not summed up
  double sum_s = 0;

  void add(std::chrono::nanoseconds waited) {
    const double seconds = std::chrono::duration<double>(waited).count();
    size_t range = 0;
    while (range < kBounds_s.size() && seconds > kBounds_s[range]) ++range;
    ++counts[range];
    sum_s += seconds;
  }
};

struct PoolCounters {
  int waiting = 0, running = 0, loading = 0;  // now
  uint64_t turns = 0;                         // begun
  uint64_t refused = 0;                       // Refusal: too many wait, or too long
  uint64_t left = 0;                          // clients that left while they waited
  PoolCounts engines;
  QueueHistogram queue_seconds;  // of the turns begun, without the time that loading took
};

}  // namespace hearth::serve
