#include "hearth/serve/pool/local_models.h"

#include <algorithm>
#include <new>
#include <utility>

#include "hearth/llm/engine_limits.h"
#include "hearth/serve/engine/answer_options.h"

namespace hearth::serve {
namespace {

constexpr std::chrono::seconds kRetryAfterRestart{5};

std::string shown_name(const std::string& name) { return store::parse_model_name(name).shown(); }

// An engine that hangs or has just died keeps nobody from seeing the list, itself included.
EngineStatus status_if_told(const Engine& engine) {
  try {
    return engine.status();
  } catch (const Error&) {
    return {};
  }
}

LocalModelsOptions complete(LocalModelsOptions options, uint64_t memory_bytes) {
  for (std::string& name : options.pool.pinned) name = shown_name(name);
  // The rest is for the system, and for what estimates leave out.
  if (options.pool.limits.memory.host_bytes == 0)
    options.pool.limits.memory.host_bytes = memory_bytes / 10 * 9;
  return options;
}

// What the current exception is to a client, as an Error.
std::exception_ptr as_error(const std::string& model) {
  try {
    throw;
  } catch (const Error&) {
    return std::current_exception();
  } catch (const std::bad_alloc&) {
    return std::make_exception_ptr(
        Error(Errc::resource_exhausted, "model \"{}\": no memory left", model));
  } catch (const std::exception& error) {
    return std::make_exception_ptr(
        Error(Errc::io_failure, "model \"{}\": {}", model, error.what()));
  }
}

template <class Use>
void with_error(const std::exception_ptr& error, Use use) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& caught) {
    use(caught);
  }
}

void tell(const ModelService::OnError& on_error, const std::exception_ptr& error) {
  try {
    with_error(error, on_error);
  } catch (...) {
    // Whoever cannot be told has gone, and nobody else waits for this answer.
  }
}

}  // namespace

struct LocalModels::Request {
  ModelCall call;
  OnTurn on_turn;
  OnError on_error;
  std::string model;  // short name
  std::string key;    // of its line
  FairQueue::Ticket ticket = 0;
  QueueTime came;
  // Destroying it waits for leave(), which takes the lock: so never destroyed under the lock.
  std::optional<std::stop_callback<std::function<void()>>> on_closed;
};

// The requests for one engine, loaded or not.
struct LocalModels::Line {
  explicit Line(const QueueLimits& limits) : queue(limits) {}

  EngineSpec spec;
  Memory need;
  FairQueue queue;
  std::map<FairQueue::Ticket, RequestPtr> waiting;
  std::optional<EngineId> engine;  // as of advance()

  RequestPtr take(FairQueue::Ticket ticket) { return std::move(waiting.extract(ticket).mapped()); }
};

struct LocalModels::Started {
  RequestPtr request;
  std::shared_ptr<Engine> engine;
  EngineId id = 0;
  std::chrono::nanoseconds queue_time{}, load_time{};
};

// What was decided under the lock and is done without it.
struct LocalModels::Effects {
  std::vector<std::pair<RequestPtr, std::exception_ptr>> failures;
  std::vector<std::shared_ptr<EnginePool::Load>> loads;
  std::vector<std::shared_ptr<Started>> turns;
};

LocalModels::LocalModels(store::ModelStore store, EngineFactory factory, LocalModelsOptions options)
    : factory_(std::move(factory)),
      options_(complete(std::move(options), llm::memory_total_bytes())),
      memory_bytes_(llm::memory_total_bytes()),
      models_(std::move(store)),
      pool_(options_.pool),
      load_threads_(options_.loads_max),
      turn_threads_(options_.turns_in_all_max) {
  if (options_.tick_every.count() > 0)
    ticker_ = std::jthread([this](std::stop_token stopping) { run_ticks(std::move(stopping)); });
}

LocalModels::~LocalModels() {
  refuse_all();
  ticker_ = {};
  // Loads begin turns and turns begin loads, so neither kind of thread can go before the other.
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return under_way_ == 0; });
}

void LocalModels::submit(ModelCall call, OnTurn on_turn, OnError on_error) {
  const auto request = std::make_shared<Request>();
  request->call = std::move(call);
  request->on_turn = std::move(on_turn);
  request->on_error = std::move(on_error);
  Effects effects;
  try {
    enqueue(request, effects);
  } catch (...) {
    return tell(request->on_error, as_error(request->call.model));
  }
  apply(std::move(effects));
  request->on_closed.emplace(request->call.closed,
                             [this, request = request.get()] { leave(*request); });
}

void LocalModels::enqueue(const RequestPtr& request, Effects& effects) {
  const std::shared_ptr<const SpecAndSizes> model = models_.find(request->call.model);
  const store::ModelParameters load_options = merge_load_options(
      request->call.options, merge_load_options(model->spec.load_options, options_.load_defaults));
  request->model = model->spec.model;
  request->key = engine_key(model->spec.digest, load_options);

  std::lock_guard lock(mutex_);
  request->came = options_.clock();
  if (draining_) throw Refusal(kRetryAfterRestart, 503, "the server is shutting down");
  Line& line = line_for(*model, load_options, request->key);
  try {
    refuse_if_full(line.queue, *request);
    request->ticket =
        line.queue.submit(request->call.caller, request->call.priority, request->came);
  } catch (const Refusal&) {
    ++counters_.refused;
    throw;
  }
  line.waiting.emplace(request->ticket, request);
  advance(effects);
}

// The bounds of all queues together; each has its own besides.
void LocalModels::refuse_if_full(FairQueue& queue, const Request& request) const {
  const std::string& caller = request.call.caller;
  int all = 0, own = 0;
  for (const auto& [key, line] : lines_) {
    all += line.queue.waiting();
    own += line.queue.waiting(caller);
  }
  if (all >= options_.waiting_in_all_max)
    throw Refusal(queue.promise_place(request.came), 503,
                  fmt::format("server busy, please try again.  maximum pending requests "
                              "exceeded: {} wait, waiting_in_all_max is {}",
                              all, options_.waiting_in_all_max));
  // Half is left to the others, as at each model.
  if (!caller.empty() && own >= (options_.waiting_in_all_max + 1) / 2)
    throw Refusal(queue.promise_place(request.came), 429,
                  fmt::format("too many requests: {} of this key wait, half of waiting_in_all_max "
                              "is {}",
                              own, (options_.waiting_in_all_max + 1) / 2));
}

LocalModels::Line& LocalModels::line_for(const SpecAndSizes& model,
                                         const store::ModelParameters& load_options,
                                         const std::string& key) {
  const auto found = lines_.find(key);
  if (found != lines_.end()) return found->second;
  const Memory need =
      need_of(model.sizes, load_options);  // may refuse them: before there is a line
  Line& line = lines_.try_emplace(key, options_.queue).first->second;
  line.spec = model.spec;
  line.spec.load_options = load_options;
  line.need = need;
  return line;
}

Memory LocalModels::need_of(const ModelSizes& sizes,
                            const store::ModelParameters& load_options) const {
  const LoadSettings settings = resolve_load_options(load_options);
  return estimate_memory(sizes, {.context = static_cast<uint64_t>(settings.context),
                                 .answers_max = static_cast<uint64_t>(options_.answers_max),
                                 .step_tokens = static_cast<uint64_t>(settings.batch_tokens),
                                 .kv_type = options_.kv_type,
                                 .memory_bytes = memory_bytes_});
}

int LocalModels::waiting() const {
  int sum = 0;
  for (const auto& [key, line] : lines_) sum += line.queue.waiting();
  return sum;
}

// Called after everything that may let a request go on.
void LocalModels::advance(Effects& effects) {
  const QueueTime now = options_.clock();
  const auto look_up = [&](const std::string& key, Line& line) {
    line.engine = pool_.find(key);
    if (line.engine) pool_.set_wanted(*line.engine, line.queue.waiting() > 0);
  };
  for (auto& [key, line] : lines_) look_up(key, line);
  for (std::shared_ptr<Engine>& engine : pool_.sweep(now)) garbage_.push_back(std::move(engine));
  for (auto& [key, line] : lines_) look_up(key, line);
  pool_.release_holds();
  demand_engines(now, effects);
  start_turns(now, effects);
  std::erase_if(lines_, [&](const auto& item) {
    const Line& line = item.second;
    return !line.engine && line.queue.waiting() == 0 && line.queue.running() == 0;
  });
  changed_.notify_all();
}

void LocalModels::demand_engines(QueueTime now, Effects& effects) {
  std::vector<Line*> without;
  for (auto& [key, line] : lines_)
    if (!line.engine && line.queue.waiting() > 0) without.push_back(&line);
  std::ranges::sort(without, {}, [](const Line* line) { return *line->queue.oldest(); });
  for (Line* line : without) {
    if (pool_.loading() >= options_.loads_max) break;
    const bool may_displace = now - *line->queue.oldest() >= options_.displace_after;
    try {
      std::optional<EnginePool::Load> load =
          pool_.demand({.spec = line->spec, .need = line->need, .may_displace = may_displace}, now);
      if (!load) continue;
      // What left before must have gone, too, before the memory is there.
      std::ranges::move(garbage_, std::back_inserter(load->evicted));
      garbage_.clear();
      ++under_way_;
      effects.loads.push_back(std::make_shared<EnginePool::Load>(std::move(*load)));
    } catch (const Error&) {
      fail_line(*line, std::current_exception(), effects);
    }
  }
  // What was evicted is not there any more.
  for (auto& [key, line] : lines_) line.engine = pool_.find(key);
}

// The line with the fewest turns, so that a busy model does not take all threads from the others.
LocalModels::Line* LocalModels::next_line() {
  Line* best = nullptr;
  for (auto& [key, line] : lines_) {
    if (!line.engine || line.queue.waiting() == 0 || pool_.is_held(*line.engine)) continue;
    line.queue.set_turns_max(std::max(pool_.facts(*line.engine).answers_max, 1));
    if (line.queue.running() >= line.queue.turns_max()) continue;
    if (!best || line.queue.running() < best->queue.running()) best = &line;
  }
  return best;
}

void LocalModels::start_turns(QueueTime now, Effects& effects) {
  if (draining_) return;
  while (counters_.running < options_.turns_in_all_max) {
    Line* line = next_line();
    if (!line) return;
    const EngineId id = *line->engine;
    const auto turn = std::make_shared<Started>();
    turn->request = line->take(*line->queue.try_start(now));
    turn->engine = pool_.begin_turn(id);
    turn->id = id;
    const QueueTime came = turn->request->came;
    turn->load_time = std::max(pool_.load_ended(id) - std::max(came, pool_.load_began(id)),
                               QueueTime::duration::zero());
    turn->queue_time = now - came - turn->load_time;
    ++under_way_;
    ++counters_.running;
    ++counters_.turns;
    counters_.queue_seconds.add(turn->queue_time);
    effects.turns.push_back(turn);
  }
}

void LocalModels::fail_line(Line& line, std::exception_ptr error, Effects& effects) {
  for (auto& [ticket, request] : line.waiting) {
    line.queue.cancel(ticket);
    effects.failures.emplace_back(std::move(request), error);
  }
  line.waiting.clear();
}

void LocalModels::fail_expired(QueueTime now, Effects& effects) {
  for (auto& [key, line] : lines_)
    for (const FairQueue::Ticket ticket : line.queue.take_expired(now)) {
      const std::string obstacle = pool_.obstacle({.spec = line.spec, .need = line.need}, now);
      const Refusal refusal(
          line.queue.wait_estimate(), 503,
          fmt::format("server busy, please try again: no turn at model \"{}\" within {} s "
                      "(wait_max){}{}",
                      line.spec.model, options_.queue.wait_max.count(),
                      obstacle.empty() ? "" : ": ", obstacle));
      effects.failures.emplace_back(line.take(ticket), std::make_exception_ptr(refusal));
      ++counters_.refused;
    }
  for (const std::string& key : pool_.late_loads(now)) {
    const auto found = lines_.find(key);
    if (found == lines_.end()) continue;
    const Error late(Errc::unavailable, "model \"{}\" has not loaded within {} s (load_max)",
                     found->second.spec.model, options_.pool.load_max.count());
    fail_line(found->second, std::make_exception_ptr(late), effects);
  }
}

void LocalModels::apply(Effects effects) {
  for (const std::shared_ptr<EnginePool::Load>& load : effects.loads)
    load_threads_.run([this, load] { run_load(*load); });
  for (const std::shared_ptr<Started>& turn : effects.turns)
    turn_threads_.run([this, turn] { run_turn(*turn); });
  for (const auto& [request, error] : effects.failures) tell(request->on_error, error);
}

void LocalModels::run_load(EnginePool::Load& load) {
  load.evicted.clear();  // their memory is free before the new one takes it
  std::unique_ptr<Engine> engine;
  std::exception_ptr failure;
  try {
    engine = factory_(load.spec);
    HEARTH_CHECK(engine);
  } catch (...) {
    failure = as_error(load.spec.model);
  }
  Effects effects;
  {
    std::lock_guard lock(mutex_);
    const QueueTime now = options_.clock();
    if (engine) {
      pool_.loaded(load.id, std::move(engine), now);
    } else {
      with_error(failure, [&](const Error& error) { pool_.load_failed(load.id, error, now); });
      const auto line = lines_.find(load.spec.key());
      if (line != lines_.end()) fail_line(line->second, failure, effects);
    }
    advance(effects);
  }
  apply(std::move(effects));
  end_call();
}

void LocalModels::run_turn(Started& turn) {
  Request& request = *turn.request;
  // Left between its turn and this thread: it ends with neither.
  if (!request.call.closed.stop_requested()) try {
      Turn given{*turn.engine, request.model, turn.queue_time, turn.load_time};
      request.on_turn(given);
    } catch (...) {
      tell(request.on_error, as_error(request.model));
    }
  const std::string key = request.key;
  const FairQueue::Ticket ticket = request.ticket;
  const std::optional<KeepAlive> keep_alive = request.call.keep_alive;
  turn.request.reset();  // and what it holds, before anyone learns that it is over
  turn.engine.reset();
  Effects effects;
  {
    std::lock_guard lock(mutex_);
    const QueueTime now = options_.clock();
    lines_.at(key).queue.finish(ticket, now);
    pool_.end_turn(turn.id, keep_alive, now);
    --counters_.running;
    advance(effects);
  }
  apply(std::move(effects));
  end_call();
}

// The last thing that a load or a turn does.
void LocalModels::end_call() {
  std::lock_guard lock(mutex_);
  --under_way_;
  changed_.notify_all();
}

void LocalModels::leave(const Request& leaving) {
  OnTurn on_turn;  // destroyed now, and without the lock
  OnError on_error;
  Effects effects;
  {
    std::lock_guard lock(mutex_);
    const auto line = lines_.find(leaving.key);
    if (line == lines_.end()) return;
    // A line that was made anew gives the same tickets to others: a request whose turn is over, and
    // whose client leaves now, must not take one of theirs away.
    const auto waiting = line->second.waiting.find(leaving.ticket);
    if (waiting == line->second.waiting.end() || waiting->second.get() != &leaving) return;
    line->second.queue.cancel(leaving.ticket);
    RequestPtr request = line->second.take(leaving.ticket);
    on_turn = std::move(request->on_turn);
    on_error = std::move(request->on_error);
    // This runs in its stop callback, which it holds: another thread must destroy it.
    departed_.push_back(std::move(request));
    ++counters_.left;
    advance(effects);
  }
  apply(std::move(effects));
}

void LocalModels::tick() {
  EnginePool::Engines garbage;
  std::vector<RequestPtr> departed;
  Effects effects;
  {
    std::lock_guard lock(mutex_);
    fail_expired(options_.clock(), effects);
    advance(effects);
    garbage.swap(garbage_);
    departed.swap(departed_);
  }
  apply(std::move(effects));
}

void LocalModels::run_ticks(std::stop_token stopping) {
  while (!stopping.stop_requested()) {
    tick();
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stopping, options_.tick_every, [&] { return !garbage_.empty(); });
  }
}

std::vector<LoadedModel> LocalModels::loaded() const {
  std::vector<EnginePool::Loaded> list;
  {
    std::lock_guard lock(mutex_);
    list = pool_.list();
  }
  std::ranges::sort(list, std::greater(), &EnginePool::Loaded::expires);
  std::vector<LoadedModel> models;
  const auto now = std::chrono::system_clock::now();
  const QueueTime queue_now = options_.clock();
  for (const EnginePool::Loaded& one : list) {
    const auto left =
        std::chrono::duration_cast<std::chrono::system_clock::duration>(one.expires - queue_now);
    models.push_back({.name = one.model,
                      .digest = one.digest,
                      .facts = one.engine->facts(),
                      .status = status_if_told(*one.engine),
                      .expires = one.expires == PoolTime::max()
                                     ? std::chrono::system_clock::time_point::max()
                                     : now + left,
                      .is_pinned = one.is_pinned,
                      .process = one.engine->process()});
  }
  return models;
}

bool LocalModels::unload(const std::string& model) {
  std::string name;
  try {
    name = shown_name(model);
  } catch (const Error&) {
    return false;  // no name, so nothing is loaded under it
  }
  bool found = false;
  Effects effects;
  {
    std::lock_guard lock(mutex_);
    found = pool_.unload(name);
    advance(effects);
  }
  apply(std::move(effects));
  return found;
}

void LocalModels::load_pinned(
    std::function<void(const std::string& model, const Error& error)> on_error) {
  for (const std::string& name : options_.pool.pinned)
    submit(
        {.model = name, .priority = Priority::batch}, [](Turn&) {},
        [name, on_error](const Error& error) { on_error(name, error); });
}

void LocalModels::refuse_all() {
  Effects effects;
  {
    std::lock_guard lock(mutex_);
    draining_ = true;
    const Refusal refusal(kRetryAfterRestart, 503, "the server is shutting down");
    for (auto& [key, line] : lines_) fail_line(line, std::make_exception_ptr(refusal), effects);
    pool_.cancel_loads();
    advance(effects);
  }
  apply(std::move(effects));
}

bool LocalModels::drain(std::chrono::nanoseconds timeout) {
  refuse_all();
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [&] { return counters_.running == 0; });
}

PoolCounters LocalModels::counters() const {
  std::lock_guard lock(mutex_);
  PoolCounters counters = counters_;
  counters.waiting = waiting();
  counters.loading = pool_.loading();
  counters.engines = pool_.counts();
  return counters;
}

}  // namespace hearth::serve
