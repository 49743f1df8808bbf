// What to do so that a model fits: load it, put idle ones out first, wait for busy ones, or refuse.
//
// A pure function of what is loaded, what is asked and what memory there is.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace hearth::serve {

struct Memory {
  uint64_t host_bytes = 0;
  uint64_t device_bytes = 0;  // of all GPUs

  bool operator==(const Memory&) const = default;
};

/// A model that takes memory now.
struct Resident {
  std::string model;  // for messages
  Memory memory;
  std::chrono::steady_clock::time_point last_used;
  bool is_pinned = false;
  bool is_busy = false;  // loads or answers, so it cannot go now
  bool must_go = false;  // the same model with other options of loading, pinned or not
};

struct LoadLimits {
  Memory memory;       // that all models together may take
  int models_max = 0;  // loaded at once; 0: no limit
};

struct LoadPlan {
  enum class Kind {
    load,    // when those of `evict` have gone
    wait,    // until those of `wait_for` are idle; then plan again
    refuse,  // it cannot fit: `reason`
  };

  Kind kind = Kind::load;
  std::vector<size_t> evict;     // indices of residents, least recently used first; all idle
  std::vector<size_t> wait_for;  // indices of residents; all busy
  std::string reason;            // of `wait` and `refuse`: the need, and what is in the way
};

/// Decides about loading `model`, which needs `need`.
///
/// Residents that must go are among those to go in any case. Of the others only unpinned ones go:
/// idle ones in the order of their last use up to the first with which the model fits, but none of
/// them that could as well stay. Where idle ones do not suffice, it waits for the busy ones chosen
/// by the same rule with all idle ones gone; evict is empty then.
LoadPlan plan_load(const std::string& model, const Memory& need,
                   const std::vector<Resident>& residents, const LoadLimits& limits);

}  // namespace hearth::serve
