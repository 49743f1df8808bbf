// The engines in memory: which is loaded, loads, leaves, and for how long it is kept.
//
// Decides and keeps count; loading and destroying engines takes long and is its owner's. One thread
// at a time; time is an argument.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "hearth/serve/pool/engine_spec.h"
#include "hearth/serve/pool/load_plan.h"
#include "hearth/serve/pool/model_service.h"

namespace hearth::serve {

using PoolTime = std::chrono::steady_clock::time_point;
using EngineId = uint64_t;  // of one loading of a model; never used again

struct PoolOptions {
  LoadLimits limits;
  KeepAlive keep_alive = std::chrono::minutes(5);  // where a request does not say
  std::vector<std::string> pinned;                 // short names, in any case
  /// An engine that others wait for is left to answer so long, and once, before it makes room.
  std::chrono::seconds residence_min{10};
  std::chrono::seconds load_max{300};  // then the load is given up
  /// After an engine died while loading; doubled each time, up to pause_max.
  std::chrono::seconds pause_first{1};
  std::chrono::seconds pause_max{60};
};

struct PoolCounts {
  std::map<std::string, uint64_t> loads;  // by short name
  uint64_t load_failures = 0;
  uint64_t evictions = 0;    // to make room
  uint64_t expirations = 0;  // not used for keep_alive, or unloaded by request
  uint64_t deaths = 0;       // of loaded engines
  uint64_t restarts = 0;     // loads of an engine that had died
};

class EnginePool {
 public:
  using Engines = std::vector<std::shared_ptr<Engine>>;

  /// A model to load: destroy `evicted`, call the factory with `spec`, and say loaded() or
  /// load_failed().
  struct Load {
    EngineId id = 0;
    EngineSpec spec;
    Engines evicted;
  };
  struct Demand {
    const EngineSpec& spec;
    Memory need;
    /// The request has waited long enough to take the turns of others who wait, too.
    bool may_displace = false;
  };
  struct Loaded {
    std::string model;
    store::Digest digest;
    std::shared_ptr<Engine> engine;
    PoolTime expires;  // max(): never
    bool is_pinned = false;
  };

  explicit EnginePool(PoolOptions options) : options_(std::move(options)) {}

  /// The engine for EngineSpec::key(), when it is loaded, alive, and stays.
  std::optional<EngineId> find(const std::string& key) const;
  /// Somebody waits for an engine that find() does not give: loads it, where there is room or idle
  /// engines can make some. Nothing while it loads already, or while busy engines are in the way:
  /// ask again when a turn has ended and every second. Engines that are in the way and that
  /// `may_displace` concerns begin no more turns (is_held) until release_holds().
  /// Errors: resource_exhausted (it cannot fit), Refusal (its engine died while loading; a pause).
  std::optional<Load> demand(const Demand& demand, PoolTime now);
  /// What keeps a model from being loaded now, in words; empty when nothing does.
  std::string obstacle(const Demand& demand, PoolTime now) const;
  void loaded(EngineId id, std::unique_ptr<Engine> engine, PoolTime now);
  void load_failed(EngineId id, const Error& error, PoolTime now);

  void release_holds();
  bool is_held(EngineId id) const { return entries_.at(id).is_held; }
  /// Whether requests wait for the engine: then it stays, but for those who may displace it.
  void set_wanted(EngineId id, bool is_wanted) { entries_.at(id).is_wanted = is_wanted; }
  const EngineFacts& facts(EngineId id) const { return entries_.at(id).engine->facts(); }
  PoolTime load_began(EngineId id) const { return entries_.at(id).load_began; }
  PoolTime load_ended(EngineId id) const { return entries_.at(id).load_ended; }

  std::shared_ptr<Engine> begin_turn(EngineId id);
  /// `id` may have died meanwhile.
  void end_turn(EngineId id, std::optional<KeepAlive> keep_alive, PoolTime now);

  /// Engines of that short name, in any case, leave when they are idle. False when there is none.
  bool unload(const std::string& model);
  /// Takes out what has died, what has expired and what is to leave, for the owner to destroy.
  Engines sweep(PoolTime now);
  /// Keys of the models that load for longer than load_max; their loads are asked to give up.
  std::vector<std::string> late_loads(PoolTime now);
  /// Asks all loads to give up.
  void cancel_loads();

  int loading() const;
  std::vector<Loaded> list() const;
  const PoolCounts& counts() const { return counts_; }

 private:
  struct Entry {
    EngineSpec spec;
    std::string key;
    Memory memory;
    std::optional<KeepAlive> keep_alive;  // of the last request
    std::shared_ptr<Engine> engine;       // null: it loads
    std::stop_source cancel_load;
    PoolTime load_began, load_ended, last_used, expires = PoolTime::max();
    int turns = 0;
    bool has_answered = false;  // had a turn
    bool is_pinned = false, is_wanted = false, is_held = false, leaves = false;
  };
  struct Failures {
    int count = 0;
    PoolTime last;
    std::string cause;
  };

  bool is_pinned(const std::string& model) const;
  bool can_displace(const Entry& entry, const Demand& demand, PoolTime now) const;
  bool is_loading(const std::string& key) const;
  std::vector<EngineId> ids() const;
  LoadPlan plan(const Demand& demand, const std::vector<EngineId>& ids, PoolTime now) const;
  Load begin_load(const Demand& demand, PoolTime now);
  void check_pause(const EngineSpec& spec, PoolTime now) const;
  std::chrono::seconds pause_after(int failures) const;
  void set_expiry(Entry& entry, PoolTime now);

  PoolOptions options_;
  EngineId last_id_ = 0;
  std::map<EngineId, Entry> entries_;
  std::map<std::string, Failures> failures_;  // by key; forgotten after a while
  std::map<std::string, PoolTime> died_;      // keys of loaded engines that died, and when
  PoolCounts counts_;
};

}  // namespace hearth::serve
