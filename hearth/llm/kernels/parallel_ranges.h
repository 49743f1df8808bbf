// Loops over rows or elements that only wake other threads when there is enough to do.
#pragma once
#include <algorithm>
#include <cstddef>

#include "hearth/base/function_ref.h"
#include "hearth/compute/thread_pool.h"

namespace hearth::llm {

/// Elements that one thread should get at least: some microseconds of pointwise work, a few times
/// what handing a range to another thread costs.
inline constexpr size_t kElementsPerThreadMin = 16384;

/// Calls body(begin, end) on parts of [0, count), where each item is about `elements_per_item`
/// elements of work. Runs on the calling thread alone when the whole is too small to share.
inline void for_ranges(ThreadPool& pool, size_t count, size_t elements_per_item,
                       FunctionRef<void(size_t begin, size_t end)> body) {
  const size_t grain_min = std::max<size_t>(1, kElementsPerThreadMin / elements_per_item);
  if (count < 2 * grain_min || pool.size() == 1) {
    if (count > 0) body(0, count);
    return;
  }
  // Four ranges a thread even out cores of unequal speed.
  const size_t grain = std::max(grain_min, count / (size_t{4} * pool.size()));
  pool.parallel_for(count, grain, [&](size_t begin, size_t end, int) { body(begin, end); });
}

}  // namespace hearth::llm
