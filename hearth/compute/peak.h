// What this machine's CPU and memory reach at best, measured now: the denominators of every speed
// we report.
//
// Each call takes at most about 0.3 s and uses all threads of the pool. The figures vary with what
// else runs on the host, so a percentage means something only beside a peak of the same minute.
#pragma once
#include "hearth/compute/thread_pool.h"

namespace hearth {

/// Bytes per second that the threads read together from memory, streaming over 256 MiB (median of
/// the passes).
double measure_read_bandwidth(ThreadPool& pool);
/// Operations per second of 8-bit dot products (a multiplication and an addition count as two),
/// registers only.
double measure_int8_peak(ThreadPool& pool);
/// Operations per second of f32 fused multiply-adds (two each), registers only.
double measure_f32_peak(ThreadPool& pool);

}  // namespace hearth
