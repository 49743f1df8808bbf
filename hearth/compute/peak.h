// What this machine's CPU and memory reach at best, measured now: the denominators of every speed
// we report.
//
// Each call takes at most about 0.3 s and uses all threads of the pool. The figures vary with what
// else runs on the host, so a percentage means something only beside a peak of the same minute.
#pragma once
#include <cstdint>

#include "hearth/compute/thread_pool.h"

namespace hearth {

/// Streams over memory of its own with all threads of the pool, pass by pass, so that passes can
/// take turns with the work that is held against them: on a shared host bandwidth changes within
/// seconds.
class ReadBandwidth {
 public:
  static constexpr size_t kBytes = size_t{256} << 20;  // of a pass; larger than a core's caches

  /// Takes and fills kBytes; throws resource_exhausted without them. The pool must outlive this.
  explicit ReadBandwidth(ThreadPool& pool);
  ~ReadBandwidth();
  ReadBandwidth(const ReadBandwidth&) = delete;
  ReadBandwidth& operator=(const ReadBandwidth&) = delete;

  /// Reads all of it once; seconds.
  double pass_seconds();

 private:
  ThreadPool& pool_;
  uint64_t* words_;
};

/// Bytes per second that the threads read together from memory, streaming over 256 MiB (median of
/// the passes).
double measure_read_bandwidth(ThreadPool& pool);
/// Operations per second of 8-bit dot products (a multiplication and an addition count as two),
/// registers only.
double measure_int8_peak(ThreadPool& pool);
/// Operations per second of f32 fused multiply-adds (two each), registers only.
double measure_f32_peak(ThreadPool& pool);

}  // namespace hearth
