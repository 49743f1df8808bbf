#include "hearth/serve/metrics/metric.h"

#include <algorithm>

#include "hearth/base/error.h"

namespace hearth::serve {

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds.begin(), bounds.end()), counts_(bounds.size() + 1) {
  HEARTH_CHECK(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::observe(double value) {
  // A bound belongs to its bucket: "le" means less or equal.
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<uint64_t> Histogram::cumulative() const {
  std::vector<uint64_t> totals;
  uint64_t total = 0;
  for (const auto& count : counts_)
    totals.push_back(total += count.load(std::memory_order_relaxed));
  return totals;
}

}  // namespace hearth::serve
