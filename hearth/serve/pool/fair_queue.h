// Who is next at a model: requests wait per caller, and callers take turns by what they have used.
//
// The order is that of a virtual token counter (Sheng et al. 2024, arXiv:2401.00588) over seconds
// of service: the caller who has used least goes next, and whoever comes back from a pause starts
// level with the others instead of with credit. A pure state machine: time is an argument, nothing
// waits, one thread at a time.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hearth/serve/pool/model_service.h"

namespace hearth::serve {

using QueueTime = std::chrono::steady_clock::time_point;

struct QueueLimits {
  int waiting_max = 512;  // requests of all callers
  /// So that one caller cannot fill the queue. Of those without a name, who are not one, all may.
  int waiting_per_caller_max = 256;
  std::chrono::seconds wait_max{600};
  /// A batch request that has waited so long counts as interactive.
  std::chrono::seconds batch_ages{60};
  /// Seconds of service that count against a caller at most: older use is forgiven.
  std::chrono::seconds lead_max{60};
};

/// The queue in front of one model.
///
/// What it promises, while turns end:
/// - Light callers: before an interactive request of a caller who has used no more than the others
///   (new, or back from a pause) starts at most one turn of each other caller, however many
///   requests those have queued.
/// - Everyone: before it start, of each other caller, turns of lead_max in all, and as many more as
///   run at once.
/// - A batch request waits while interactive ones do, at most batch_ages; then it counts as one.
/// - Nobody waits longer than wait_max: then take_expired() gives the request back.
class FairQueue {
 public:
  using Ticket = uint64_t;

  explicit FairQueue(const QueueLimits& limits) : limits_(limits) {}

  /// Turns that may run at once; 0 until the model is loaded.
  void set_turns_max(int turns) { turns_max_ = turns; }
  int turns_max() const { return turns_max_; }

  /// Errors: Refusal with status 503 (waiting_max) or 429 (waiting_per_caller_max).
  Ticket submit(const std::string& caller, Priority priority, QueueTime now);
  /// The request whose turn it is; nothing when none waits or turns_max() run.
  std::optional<Ticket> try_start(QueueTime now);
  /// The turn is over: its caller has used `now` - start.
  void finish(Ticket ticket, QueueTime now);
  /// A waiting request leaves. False when it does not wait (any more).
  bool cancel(Ticket ticket);
  /// Removes and gives the requests that have waited wait_max.
  std::vector<Ticket> take_expired(QueueTime now);

  int waiting() const { return static_cast<int>(places_.size()); }
  int waiting(const std::string& caller) const;
  int running() const { return static_cast<int>(turns_.size()); }
  /// When the request that waits longest came.
  std::optional<QueueTime> oldest() const;

  /// How long a turn lasts: the mean of those that ended, each new one counting an eighth; 10 s
  /// before the first.
  std::chrono::duration<double> turn_estimate() const { return turn_estimate_; }
  /// After how long a request that is refused because the queue is full should come back, 1 s to
  /// 10 min. An estimate: places come free every turn_estimate() / turns_max(), and each refusal
  /// is told the place after that of the refusal before it. Places that new requests take
  /// meanwhile are not foreseen.
  std::chrono::seconds promise_place(QueueTime now);
  /// How long a request that came now would wait, all waiting ones going first.
  std::chrono::seconds wait_estimate() const;

 private:
  struct Request {
    Ticket ticket;
    QueueTime came;
  };
  struct Caller {
    double used_s = 0;       // of service, on the queue's scale
    uint64_t last_turn = 0;  // number of its last turn, or of the one before it came
    int running = 0;
    QueueTime next_place{};          // promised to its refused requests
    std::deque<Request> waiting[2];  // by Priority, oldest first

    bool is_waiting() const { return !waiting[0].empty() || !waiting[1].empty(); }
    size_t count() const { return waiting[0].size() + waiting[1].size(); }
  };
  struct Place {
    std::string caller;
    Priority priority;
  };
  struct Running {
    std::string caller;
    QueueTime started;
  };
  /// A request that its caller would send next.
  struct Candidate {
    Caller* caller = nullptr;
    Priority priority = Priority::interactive;
    bool urgent = false;
  };

  std::chrono::duration<double> place_interval() const;
  std::chrono::seconds promise(QueueTime& next, double interval_s, QueueTime now) const;
  void refuse_if_full(const std::string& caller, QueueTime now);
  Candidate candidate_of(Caller& caller, QueueTime now) const;
  bool is_level(const Caller& caller) const;

  QueueLimits limits_;
  int turns_max_ = 0;
  Ticket last_ticket_ = 0;
  uint64_t turn_count_ = 0;
  double level_s_ = 0;  // used_s of the caller who had the last turn: nobody waits below it
  QueueTime next_place_{};
  std::chrono::duration<double> turn_estimate_{10};
  bool has_measured_ = false;
  std::map<std::string, Caller, std::less<>> callers_;
  std::map<Ticket, Place> places_;
  std::map<Ticket, Running> turns_;
};

}  // namespace hearth::serve
