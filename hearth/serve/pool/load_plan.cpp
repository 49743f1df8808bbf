#include "hearth/serve/pool/load_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "hearth/base/units.h"

namespace hearth::serve {
namespace {

// What would be left beside the residents that stay. Signed: what is loaded may pass the limits,
// when an engine took more than was estimated.
class Room {
 public:
  Room(const std::vector<Resident>& residents, const LoadLimits& limits)
      : residents_(residents),
        host_(static_cast<int64_t>(limits.memory.host_bytes)),
        device_(static_cast<int64_t>(limits.memory.device_bytes)),
        // The largest int stands for no limit.
        models_(limits.models_max > 0 ? limits.models_max : INT32_MAX) {
    for (size_t i = 0; i < residents.size(); ++i) put(i, -1);
  }

  void give_up(size_t resident) { put(resident, 1); }
  void take_back(size_t resident) { put(resident, -1); }
  bool fits(const Memory& need) const {
    return static_cast<int64_t>(need.host_bytes) <= host_ &&
           static_cast<int64_t>(need.device_bytes) <= device_ && models_ >= 1;
  }
  int64_t host_bytes() const { return host_; }
  int64_t device_bytes() const { return device_; }

 private:
  void put(size_t resident, int sign) {
    host_ += sign * static_cast<int64_t>(residents_[resident].memory.host_bytes);
    device_ += sign * static_cast<int64_t>(residents_[resident].memory.device_bytes);
    models_ += sign;
  }

  const std::vector<Resident>& residents_;
  int64_t host_, device_, models_;
};

// Gives up `candidates` in their order until the need fits, then takes back those that may stay,
// the most recently used first. All of them when it never fits.
std::vector<size_t> choose(Room& room, const Memory& need, const std::vector<size_t>& candidates) {
  std::vector<size_t> chosen;
  for (const size_t candidate : candidates) {
    if (room.fits(need)) break;
    room.give_up(candidate);
    chosen.push_back(candidate);
  }
  if (!room.fits(need)) return chosen;
  for (size_t i = chosen.size(); i-- > 0;) {
    room.take_back(chosen[i]);
    if (room.fits(need))
      chosen.erase(chosen.begin() + static_cast<std::ptrdiff_t>(i));
    else
      room.give_up(chosen[i]);
  }
  return chosen;
}

std::string describe(uint64_t host_bytes, uint64_t device_bytes) {
  if (device_bytes == 0) return format_bytes(host_bytes);
  return fmt::format("{} and {} of GPU memory", format_bytes(host_bytes),
                     format_bytes(device_bytes));
}

std::string listed(const std::vector<Resident>& residents, const std::vector<size_t>& indices) {
  std::string text;
  for (const size_t i : indices)
    text += fmt::format("{}\"{}\" ({})", text.empty() ? "" : ", ", residents[i].model,
                        describe(residents[i].memory.host_bytes, residents[i].memory.device_bytes));
  return text;
}

std::string needs(const std::string& model, const Memory& need, const LoadLimits& limits) {
  const std::string count =
      limits.models_max > 0 ? fmt::format(", {} at once", limits.models_max) : "";
  return fmt::format("model \"{}\" needs {}, models may take {}{}", model,
                     describe(need.host_bytes, need.device_bytes),
                     describe(limits.memory.host_bytes, limits.memory.device_bytes), count);
}

// Pinned models are all that is left when a plan is refused.
std::string refusal(const std::string& model, const Memory& need,
                    const std::vector<Resident>& residents, const LoadLimits& limits) {
  std::vector<size_t> pinned;
  Room room(residents, limits);
  for (size_t i = 0; i < residents.size(); ++i) {
    if (residents[i].is_pinned && !residents[i].must_go)
      pinned.push_back(i);
    else
      room.give_up(i);
  }
  std::string text = needs(model, need, limits);
  if (pinned.empty()) return text;
  if (limits.models_max > 0 && static_cast<int>(pinned.size()) >= limits.models_max)
    text = fmt::format("model \"{}\": models_max is {}", model, limits.models_max);
  else
    text += fmt::format(", of which {} can be made free",
                        describe(static_cast<uint64_t>(std::max<int64_t>(room.host_bytes(), 0)),
                                 static_cast<uint64_t>(std::max<int64_t>(room.device_bytes(), 0))));
  return fmt::format("{}; in the way, pinned: {}", text, listed(residents, pinned));
}

// Indices of those for which `is` holds, least recently used first.
template <class Predicate>
std::vector<size_t> by_last_use(const std::vector<Resident>& residents, Predicate is) {
  std::vector<size_t> found;
  for (size_t i = 0; i < residents.size(); ++i)
    if (is(residents[i])) found.push_back(i);
  std::stable_sort(found.begin(), found.end(), [&](size_t a, size_t b) {
    return residents[a].last_used < residents[b].last_used;
  });
  return found;
}

}  // namespace

LoadPlan plan_load(const std::string& model, const Memory& need,
                   const std::vector<Resident>& residents, const LoadLimits& limits) {
  const std::vector<size_t> must_idle =
      by_last_use(residents, [](const Resident& r) { return r.must_go && !r.is_busy; });
  const std::vector<size_t> must_busy =
      by_last_use(residents, [](const Resident& r) { return r.must_go && r.is_busy; });
  const std::vector<size_t> idle = by_last_use(
      residents, [](const Resident& r) { return !r.must_go && !r.is_pinned && !r.is_busy; });
  const std::vector<size_t> busy = by_last_use(
      residents, [](const Resident& r) { return !r.must_go && !r.is_pinned && r.is_busy; });

  Room room(residents, limits);
  for (const size_t resident : must_idle) room.give_up(resident);
  for (const size_t resident : must_busy) room.give_up(resident);
  LoadPlan plan;
  plan.evict = choose(room, need, idle);
  if (!room.fits(need)) {  // all idle ones are given up in `room`
    plan.wait_for = choose(room, need, busy);
    if (!room.fits(need))
      return {.kind = LoadPlan::Kind::refuse, .reason = refusal(model, need, residents, limits)};
  }
  plan.wait_for.insert(plan.wait_for.begin(), must_busy.begin(), must_busy.end());
  if (!plan.wait_for.empty()) {
    plan.kind = LoadPlan::Kind::wait;
    plan.evict.clear();
    plan.reason = fmt::format("{}; in the way, busy: {}", needs(model, need, limits),
                              listed(residents, plan.wait_for));
    return plan;
  }
  plan.evict.insert(plan.evict.begin(), must_idle.begin(), must_idle.end());
  return plan;
}

}  // namespace hearth::serve
