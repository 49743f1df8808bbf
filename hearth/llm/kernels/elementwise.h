// The small operations between the matrix products, each in its own header.
#pragma once
#include <span>

#include "hearth/compute/cpu_features.h"
#include "hearth/llm/kernels/embed.h"
#include "hearth/llm/kernels/gates.h"
#include "hearth/llm/kernels/rms_norm.h"
#include "hearth/llm/kernels/rope.h"
#include "hearth/llm/kernels/sums.h"

namespace hearth::llm {

/// Rows for `hearth kernels`, best implementation first.
std::span<const cpu::KernelRow> elementwise_kernels();

}  // namespace hearth::llm
