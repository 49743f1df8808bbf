// How far a rewrite of a model file has come; the same report for quantising and importing.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hearth/base/function_ref.h"

namespace hearth::store {

struct RewriteProgress {
  std::string_view tensor;  // the tensor that was just written
  size_t tensors_done = 0;
  size_t tensors_total = 0;
  uint64_t done_bytes = 0;   // of the output
  uint64_t total_bytes = 0;  // of the output's tensors
};

/// Called after each tensor, on the calling thread. An exception thrown by it ends the rewrite and
/// removes what was written: that is how a caller cancels.
using RewriteProgressFn = FunctionRef<void(const RewriteProgress&)>;

}  // namespace hearth::store
