// What the handlers of every API ask of the models on this machine.
#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/serve/engine/engine.h"
#include "hearth/store/digest.h"

namespace hearth::serve {

/// Which of two waiting requests goes first; ageing lets the second through in the end.
enum class Priority { interactive, batch };

/// Not now, and when to come back: 503, or 429 where the caller's own quota is meant.
class Refusal : public Error {
 public:
  Refusal(std::chrono::seconds retry_after, int status, const std::string& message)
      : Error(Errc::unavailable, "{}", message), retry_after_(retry_after), status_(status) {}

  std::chrono::seconds retry_after() const { return retry_after_; }
  int status() const { return status_; }

 private:
  std::chrono::seconds retry_after_;
  int status_;
};

/// Negative: for ever; zero: unload when this request is over.
using KeepAlive = std::chrono::nanoseconds;

struct ModelCall {
  std::string model;   // as the client wrote it
  std::string caller;  // name of the API key; empty: none
  Priority priority = Priority::interactive;
  std::optional<KeepAlive> keep_alive;  // nothing: the daemon's
  /// The request's options; those of loading (num_ctx, num_thread, …) that differ from the loaded
  /// engine's load it anew.
  store::ModelParameters options;
  std::stop_token closed;  // the client left: the request leaves the queue
};

/// A request's turn at its model.
struct Turn {
  Engine& engine;
  std::string model;                      // short name, as listed
  std::chrono::nanoseconds queue_time{};  // waiting for the turn
  std::chrono::nanoseconds load_time{};   // of the model; nearly nothing when it was there
};

struct LoadedModel {
  std::string name;  // short name, as listed
  store::Digest digest;
  EngineFacts facts;
  EngineStatus status;
  std::chrono::system_clock::time_point expires;  // max(): never
  bool is_pinned = false;
  int process = 0;  // id of the engine's process; 0: none
};

class ModelService {
 public:
  using OnTurn = std::function<void(Turn&)>;
  using OnError = std::function<void(const Error&)>;

  virtual ~ModelService() = default;
  /// Queues the call and returns. When its turn comes and its model is loaded, `on_turn` runs on an
  /// answer thread, which may wait; what it throws goes to `on_error`. Where it never comes to
  /// that, `on_error` is called with the reason, from any thread: Refusal (too many wait, or too
  /// long), not_found (no such model), resource_exhausted (it does not fit, saying what is in the
  /// way), unavailable (its engine died while loading). Exactly one of: on_turn returns, on_error
  /// is called. A call whose client left ends with neither, and both are destroyed.
  virtual void submit(ModelCall call, OnTurn on_turn, OnError on_error) = 0;

  /// Sorted by the longest remaining. The status of an engine that does not tell it is empty.
  virtual std::vector<LoadedModel> loaded() const = 0;
  /// Unloads when its answers under way have ended. False when it was not loaded.
  virtual bool unload(const std::string& model) = 0;
};

}  // namespace hearth::serve
