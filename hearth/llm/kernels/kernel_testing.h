// What the tests of kernels share: inputs, and the implementations that run on this CPU.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "hearth/base/rng.h"
#include "hearth/compute/cpu_features.h"

namespace hearth::llm {

inline std::vector<float> random_normal(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> x(count);
  for (float& value : x) value = rng.normal();
  return x;
}

template <class Fn>
std::vector<cpu::Impl<Fn>> runnable(std::span<const cpu::Impl<Fn>> impls) {
  std::vector<cpu::Impl<Fn>> here;
  for (const auto& impl : impls)
    if (cpu::has(impl.needs)) here.push_back(impl);
  return here;
}

}  // namespace hearth::llm
