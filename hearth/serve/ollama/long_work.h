// Pulls, pushes and creations under way. Each holds one of the server's handler threads until it
// ends, perhaps for hours, and short requests must always find one.
#pragma once
#include <atomic>

#include "hearth/base/error.h"
#include "hearth/serve/ollama/limits.h"

namespace hearth::serve::ollama {

/// Thread-safe.
class LongWork {
 public:
  /// One piece of work, as long as it lives.
  class Place {
   public:
    /// Errors: unavailable (kLongWorkMax are under way).
    explicit Place(LongWork& work) : work_(work) {
      if (work_.under_way_.fetch_add(1) < kLongWorkMax) return;
      work_.under_way_.fetch_sub(1);
      throw Error(Errc::unavailable,
                  "{} pulls, pushes and creations are under way, the limit is {}", kLongWorkMax,
                  kLongWorkMax);
    }
    ~Place() { work_.under_way_.fetch_sub(1); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    LongWork& work_;
  };

 private:
  std::atomic<int> under_way_{0};
};

}  // namespace hearth::serve::ollama
