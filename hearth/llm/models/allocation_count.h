// Counts what a test's program allocates through operator new. Test-only code: linking
// allocation_count.cpp into a program replaces the operator there.
#pragma once
#include <cstdint>

namespace hearth {

class AllocationCount {
 public:
  AllocationCount() : start_(total()) {}
  /// Allocations of all threads since construction.
  int64_t since() const { return total() - start_; }

 private:
  static int64_t total();
  int64_t start_;
};

}  // namespace hearth
