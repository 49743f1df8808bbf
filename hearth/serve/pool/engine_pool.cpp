#include "hearth/serve/pool/engine_pool.h"

#include <algorithm>
#include <utility>

namespace hearth::serve {
namespace {

// Failures and deaths older than this say nothing any more.
constexpr std::chrono::minutes kMemory{10};

Memory memory_of(const EngineFacts& facts) {
  return {.host_bytes = facts.memory_bytes - std::min(facts.device_bytes, facts.memory_bytes),
          .device_bytes = facts.device_bytes};
}

}  // namespace

std::optional<EngineId> EnginePool::find(const std::string& key) const {
  for (const auto& [id, entry] : entries_)
    if (entry.key == key && entry.engine && !entry.leaves && entry.engine->is_alive()) return id;
  return std::nullopt;
}

bool EnginePool::is_pinned(const std::string& model) const {
  return std::ranges::any_of(options_.pinned, [&](const std::string& name) {
    return store::equal_ignoring_case(name, model);
  });
}

std::chrono::seconds EnginePool::pause_after(int failures) const {
  const int doublings = std::min(failures - 1, 20);  // beyond that pause_max rules anyway
  return std::min(options_.pause_first * (1 << doublings), options_.pause_max);
}

void EnginePool::check_pause(const EngineSpec& spec, PoolTime now) const {
  const auto found = failures_.find(spec.key());
  if (found == failures_.end()) return;
  const Failures& failures = found->second;
  const PoolTime again = failures.last + pause_after(failures.count);
  if (again <= now) return;
  const auto pause = std::chrono::ceil<std::chrono::seconds>(again - now);
  throw Refusal(pause, 503,
                fmt::format("model \"{}\": its engine died while loading ({}x): {}; it is tried "
                            "again in {} s",
                            spec.model, failures.count, failures.cause, pause.count()));
}

bool EnginePool::can_displace(const Entry& entry, const Demand& demand, PoolTime now) const {
  return demand.may_displace && entry.has_answered &&
         now - entry.load_ended >= options_.residence_min;
}

LoadPlan EnginePool::plan(const Demand& demand, const std::vector<EngineId>& ids,
                          PoolTime now) const {
  std::vector<Resident> residents;
  for (const EngineId id : ids) {
    const Entry& entry = entries_.at(id);
    const bool is_spoken_for = entry.is_wanted && !can_displace(entry, demand, now);
    residents.push_back({.model = entry.spec.model,
                         .memory = entry.memory,
                         .last_used = entry.last_used,
                         .is_pinned = entry.is_pinned,
                         .is_busy = !entry.engine || entry.turns > 0 || is_spoken_for,
                         .must_go = entry.spec.digest == demand.spec.digest});
  }
  return plan_load(demand.spec.model, demand.need, residents, options_.limits);
}

bool EnginePool::is_loading(const std::string& key) const {
  return std::ranges::any_of(
      entries_, [&](const auto& item) { return item.second.key == key && !item.second.engine; });
}

std::vector<EngineId> EnginePool::ids() const {
  std::vector<EngineId> ids;
  for (const auto& [id, entry] : entries_) ids.push_back(id);
  return ids;
}

std::string EnginePool::obstacle(const Demand& demand, PoolTime now) const {
  const std::string key = demand.spec.key();
  return find(key) || is_loading(key) ? "" : plan(demand, ids(), now).reason;
}

std::optional<EnginePool::Load> EnginePool::demand(const Demand& demand, PoolTime now) {
  if (is_loading(demand.spec.key())) return std::nullopt;
  check_pause(demand.spec, now);
  const std::vector<EngineId> ids = this->ids();
  const LoadPlan plan = this->plan(demand, ids, now);
  if (plan.kind == LoadPlan::Kind::refuse) throw Error(Errc::resource_exhausted, "{}", plan.reason);
  if (plan.kind == LoadPlan::Kind::wait) {
    for (const size_t index : plan.wait_for) {
      Entry& entry = entries_.at(ids[index]);
      entry.is_held = entry.is_held || (entry.engine && can_displace(entry, demand, now));
    }
    return std::nullopt;
  }
  Load load = begin_load(demand, now);
  for (const size_t index : plan.evict) {
    load.evicted.push_back(std::move(entries_.at(ids[index]).engine));
    entries_.erase(ids[index]);
    ++counts_.evictions;
  }
  return load;
}

EnginePool::Load EnginePool::begin_load(const Demand& demand, PoolTime now) {
  const EngineId id = ++last_id_;
  Entry& entry = entries_[id];
  entry.spec = demand.spec;
  entry.spec.cancelled = entry.cancel_load.get_token();
  entry.key = demand.spec.key();
  entry.memory = demand.need;
  entry.is_pinned = is_pinned(demand.spec.model);
  entry.is_wanted = true;
  entry.load_began = entry.last_used = now;
  return {.id = id, .spec = entry.spec, .evicted = {}};
}

void EnginePool::loaded(EngineId id, std::unique_ptr<Engine> engine, PoolTime now) {
  Entry& entry = entries_.at(id);
  entry.engine = std::move(engine);
  // What it says it takes is better than the estimate.
  if (entry.engine->facts().memory_bytes > 0) entry.memory = memory_of(entry.engine->facts());
  entry.load_ended = entry.last_used = now;
  entry.is_wanted = false;  // whoever waited may have left
  set_expiry(entry, now);
  ++counts_.loads[entry.spec.model];
  counts_.restarts += died_.erase(entry.key);
  failures_.erase(entry.key);
}

void EnginePool::load_failed(EngineId id, const Error& error, PoolTime now) {
  const std::string key = entries_.at(id).key;
  entries_.erase(id);
  ++counts_.load_failures;
  // Only what dies is worth a pause: a file that cannot be loaded says so quickly, each time.
  if (error.code() != Errc::unavailable) return;
  Failures& failures = failures_[key];
  ++failures.count;
  failures.last = now;
  failures.cause = error.what();
}

void EnginePool::release_holds() {
  for (auto& [id, entry] : entries_) entry.is_held = false;
}

std::shared_ptr<Engine> EnginePool::begin_turn(EngineId id) {
  Entry& entry = entries_.at(id);
  ++entry.turns;
  entry.has_answered = true;
  return entry.engine;
}

void EnginePool::end_turn(EngineId id, std::optional<KeepAlive> keep_alive, PoolTime now) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  --entry.turns;
  entry.keep_alive = keep_alive;
  entry.last_used = now;
  set_expiry(entry, now);
}

void EnginePool::set_expiry(Entry& entry, PoolTime now) {
  const KeepAlive keep = entry.keep_alive.value_or(options_.keep_alive);
  const bool is_for_ever =
      entry.is_pinned || keep < KeepAlive::zero() || keep > PoolTime::max() - now;
  entry.expires = is_for_ever ? PoolTime::max() : now + keep;
}

bool EnginePool::unload(const std::string& model) {
  bool found = false;
  for (auto& [id, entry] : entries_)
    if (store::equal_ignoring_case(entry.spec.model, model)) entry.leaves = found = true;
  return found;
}

EnginePool::Engines EnginePool::sweep(PoolTime now) {
  Engines gone;
  for (auto next = entries_.begin(); next != entries_.end();) {
    const auto here = next++;
    Entry& entry = here->second;
    if (!entry.engine) continue;
    const bool is_dead = !entry.engine->is_alive();
    const bool is_over = entry.leaves || (entry.expires <= now && !entry.is_wanted);
    if (!is_dead && (entry.turns > 0 || !is_over)) continue;
    if (is_dead) died_[entry.key] = now;
    ++(is_dead ? counts_.deaths : counts_.expirations);
    gone.push_back(std::move(entry.engine));
    entries_.erase(here);
  }
  std::erase_if(failures_, [&](const auto& one) { return one.second.last + kMemory < now; });
  std::erase_if(died_, [&](const auto& one) { return one.second + kMemory < now; });
  return gone;
}

std::vector<std::string> EnginePool::late_loads(PoolTime now) {
  std::vector<std::string> late;
  for (auto& [id, entry] : entries_) {
    if (entry.engine || now - entry.load_began < options_.load_max) continue;
    entry.cancel_load.request_stop();
    late.push_back(entry.key);
  }
  return late;
}

void EnginePool::cancel_loads() {
  for (auto& [id, entry] : entries_) entry.cancel_load.request_stop();
}

int EnginePool::loading() const {
  return static_cast<int>(
      std::ranges::count_if(entries_, [](const auto& item) { return !item.second.engine; }));
}

std::vector<EnginePool::Loaded> EnginePool::list() const {
  std::vector<Loaded> loaded;
  for (const auto& [id, entry] : entries_)
    if (entry.engine)
      loaded.push_back({.model = entry.spec.model,
                        .digest = entry.spec.digest,
                        .engine = entry.engine,
                        .expires = entry.expires,
                        .is_pinned = entry.is_pinned});
  return loaded;
}

}  // namespace hearth::serve
