// The three kinds of numbers that a monitoring system reads: counters, gauges, histograms. All may
// be changed from any thread without a lock.
#pragma once
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

namespace hearth::serve {

/// Only grows.
class Counter {
 public:
  /// `amount` >= 0.
  void add(double amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

/// Goes up and down.
class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  void add(double amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

/// How many observations were at most so large.
class Histogram {
 public:
  /// `bounds` ascend; what is above the last one is counted too.
  explicit Histogram(std::span<const double> bounds);

  void observe(double value);

  const std::vector<double>& bounds() const { return bounds_; }
  /// Observations at most bounds()[i], and at the end all of them: one more than there are bounds.
  std::vector<uint64_t> cumulative() const;
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;  // [bounds + 1], each for itself
  std::atomic<double> sum_ = 0;
};

}  // namespace hearth::serve
