// The models on this machine: a store, engines loaded on demand, and a fair queue before each.
#pragma once
#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "hearth/serve/pool/answer_threads.h"
#include "hearth/serve/pool/engine_pool.h"
#include "hearth/serve/pool/fair_queue.h"
#include "hearth/serve/pool/pool_counters.h"
#include "hearth/serve/pool/stored_models.h"

namespace hearth::serve {

struct LocalModelsOptions {
  PoolOptions pool;               // without a limit of host memory: nine tenths of the machine's
  QueueLimits queue;              // of each model
  int waiting_in_all_max = 1024;  // requests, for all models
  int turns_in_all_max = 256;     // that run at once, for all models; a thread each
  int loads_max = 2;              // models that load at once
  // What an engine's memory is estimated for.
  int answers_max = 8;  // of an engine at once
  llm::KvType kv_type = llm::KvType::f16;
  /// A request that has waited so long for its model to load may take the turns of busy ones.
  std::chrono::seconds displace_after{5};
  store::ModelParameters load_defaults;  // num_ctx, …: under those of the models
  /// How often what depends on time is looked at; 0: when tick() is called.
  std::chrono::milliseconds tick_every{1000};
  std::function<QueueTime()> clock = [] { return std::chrono::steady_clock::now(); };
};

/// Thread-safe.
class LocalModels : public ModelService {
 public:
  /// Errors: invalid_argument (a pinned name that is none).
  LocalModels(store::ModelStore store, EngineFactory factory, LocalModelsOptions options);
  /// As drain(), without a limit of time.
  ~LocalModels() override;
  LocalModels(const LocalModels&) = delete;
  LocalModels& operator=(const LocalModels&) = delete;

  void submit(ModelCall call, OnTurn on_turn, OnError on_error) override;
  std::vector<LoadedModel> loaded() const override;
  bool unload(const std::string& model) override;

  /// Loads the pinned models in the background. `on_error` is told, from any thread, of each that
  /// could not be loaded, and why; the next request for it tries again.
  void load_pinned(std::function<void(const std::string& model, const Error& error)> on_error);
  /// For shutdown: no turn begins any more, those that wait are refused, those under way go on.
  /// True when all have ended within `timeout`.
  bool drain(std::chrono::nanoseconds timeout);
  PoolCounters counters() const;
  /// Ends waits that took too long, unloads what has expired, drops engines that have died.
  void tick();

 private:
  struct Request;
  struct Line;
  struct Started;
  struct Effects;
  using RequestPtr = std::shared_ptr<Request>;

  // Under the lock; what they decide goes to `effects`.
  void enqueue(const RequestPtr& request, Effects& effects);
  void refuse_if_full(FairQueue& queue, const Request& request) const;
  Line& line_for(const SpecAndSizes& model, const store::ModelParameters& load_options,
                 const std::string& key);
  Memory need_of(const ModelSizes& sizes, const store::ModelParameters& load_options) const;
  void advance(Effects& effects);
  void demand_engines(QueueTime now, Effects& effects);
  void start_turns(QueueTime now, Effects& effects);
  Line* next_line();
  void fail_line(Line& line, std::exception_ptr error, Effects& effects);
  void fail_expired(QueueTime now, Effects& effects);
  int waiting() const;

  // Without the lock.
  void apply(Effects effects);
  void run_load(EnginePool::Load& load);
  void run_turn(Started& turn);
  void end_call();
  void leave(const Request& leaving);
  void refuse_all();
  void run_ticks(std::stop_token stopping);

  const EngineFactory factory_;
  const LocalModelsOptions options_;
  const uint64_t memory_bytes_;  // of the machine
  StoredModels models_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;  // a turn has ended, or garbage_ has come
  EnginePool pool_;
  std::map<std::string, Line> lines_;  // by engine key
  EnginePool::Engines garbage_;        // to be destroyed without the lock
  std::vector<RequestPtr> departed_;   // shells of requests whose clients left
  PoolCounters counters_;
  bool draining_ = false;
  int under_way_ = 0;  // loads and turns that have been decided and have not ended

  AnswerThreads load_threads_, turn_threads_;
  std::jthread ticker_;  // last: it stops first
};

}  // namespace hearth::serve
