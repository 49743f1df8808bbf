#include "hearth/serve/pool/fair_queue.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace hearth::serve {
namespace {

using Seconds = std::chrono::duration<double>;

// Charged when a turn starts, so that many short turns at once are not free; the rest when it ends.
constexpr double kStartCharge_s = 0.05;
constexpr double kNewestWeight = 1.0 / 8;
constexpr std::chrono::seconds kRetryMax{600};

std::chrono::seconds as_retry(double seconds) {
  const double bounded = std::clamp(seconds, 1.0, static_cast<double>(kRetryMax.count()));
  return std::chrono::seconds(static_cast<int64_t>(std::ceil(bounded)));
}

double seconds_of(QueueTime::duration time) { return Seconds(time).count(); }

}  // namespace

Seconds FairQueue::place_interval() const { return turn_estimate_ / std::max(turns_max_, 1); }

// Each refusal moves the next promised place on by one interval; places in the past are gone.
std::chrono::seconds FairQueue::promise(QueueTime& next, double interval_s, QueueTime now) const {
  const auto interval = std::chrono::duration_cast<QueueTime::duration>(Seconds(interval_s));
  next = std::min(std::max(next, now) + interval, now + kRetryMax);
  return as_retry(seconds_of(next - now));
}

std::chrono::seconds FairQueue::promise_place(QueueTime now) {
  return promise(next_place_, place_interval().count(), now);
}

std::chrono::seconds FairQueue::wait_estimate() const {
  return as_retry(place_interval().count() * (waiting() + 1));
}

void FairQueue::refuse_if_full(const std::string& caller, QueueTime now) {
  const auto found = callers_.find(caller);
  if (!caller.empty() && found != callers_.end() &&
      found->second.count() >= static_cast<size_t>(limits_.waiting_per_caller_max)) {
    // The callers who wait share the turns, so a place of this one comes free less often.
    const auto sharing = std::count_if(callers_.begin(), callers_.end(),
                                       [](const auto& one) { return one.second.is_waiting(); });
    const double interval = place_interval().count() * static_cast<double>(sharing);
    throw Refusal(promise(found->second.next_place, interval, now), 429,
                  fmt::format("too many requests: {} of this key wait, waiting_per_caller_max is "
                              "{}",
                              found->second.count(), limits_.waiting_per_caller_max));
  }
  // Ollama's words first: clients look for them.
  if (waiting() >= limits_.waiting_max)
    throw Refusal(promise_place(now), 503,
                  fmt::format("server busy, please try again.  maximum pending requests exceeded: "
                              "{} wait for this model, waiting_max is {}",
                              waiting(), limits_.waiting_max));
}

FairQueue::Ticket FairQueue::submit(const std::string& caller, Priority priority, QueueTime now) {
  refuse_if_full(caller, now);
  Caller& entry = callers_[caller];
  if (!entry.is_waiting()) {
    // No credit for time away, and behind those who are waiting on the same level.
    entry.used_s = std::max(entry.used_s, level_s_);
    if (entry.running == 0) entry.last_turn = ++turn_count_;
  }
  const Ticket ticket = ++last_ticket_;
  entry.waiting[static_cast<int>(priority)].push_back({ticket, now});
  places_.emplace(ticket, Place{caller, priority});
  return ticket;
}

FairQueue::Candidate FairQueue::candidate_of(Caller& caller, QueueTime now) const {
  const std::deque<Request>& interactive = caller.waiting[0];
  const std::deque<Request>& batch = caller.waiting[1];
  const bool has_aged = !batch.empty() && batch.front().came + limits_.batch_ages <= now;
  if (has_aged &&
      (interactive.empty() || batch.front().came + limits_.batch_ages < interactive.front().came))
    return {&caller, Priority::batch, true};
  if (!interactive.empty()) return {&caller, Priority::interactive, true};
  if (!batch.empty()) return {&caller, Priority::batch, false};
  return {};
}

std::optional<FairQueue::Ticket> FairQueue::try_start(QueueTime now) {
  if (places_.empty() || running() >= turns_max_) return std::nullopt;
  std::erase_if(callers_, [&](const auto& one) { return is_level(one.second); });
  Candidate best;
  std::tuple<bool, double, uint64_t> best_rank;
  for (auto& [name, caller] : callers_) {
    const Candidate candidate = candidate_of(caller, now);
    if (!candidate.caller) continue;
    // A caller whose batch requests stood back while the level rose has saved nothing by it.
    const double lead_max_s = static_cast<double>(limits_.lead_max.count());
    caller.used_s = std::clamp(caller.used_s, level_s_, level_s_ + lead_max_s);
    const std::tuple rank{!candidate.urgent, caller.used_s, caller.last_turn};
    if (best.caller && best_rank <= rank) continue;
    best = candidate;
    best_rank = rank;
  }
  std::deque<Request>& from = best.caller->waiting[static_cast<int>(best.priority)];
  const Ticket ticket = from.front().ticket;
  from.pop_front();
  level_s_ = best.caller->used_s;
  best.caller->used_s += kStartCharge_s;
  best.caller->last_turn = ++turn_count_;
  ++best.caller->running;
  turns_.emplace(ticket, Running{std::move(places_.at(ticket).caller), now});
  places_.erase(ticket);
  return ticket;
}

void FairQueue::finish(Ticket ticket, QueueTime now) {
  const auto turn = turns_.find(ticket);
  HEARTH_CHECK(turn != turns_.end());
  const double used_s = std::max(seconds_of(now - turn->second.started), 0.0);
  Caller& caller = callers_.at(turn->second.caller);
  turns_.erase(turn);

  const double weight = has_measured_ ? kNewestWeight : 1;
  turn_estimate_ += weight * (Seconds(used_s) - turn_estimate_);
  has_measured_ = true;
  // Only ever up: what was promised to the others when the turn started stays true.
  caller.used_s += std::max(used_s - kStartCharge_s, 0.0);
  --caller.running;
}

int FairQueue::waiting(const std::string& caller) const {
  const auto found = callers_.find(caller);
  return found == callers_.end() ? 0 : static_cast<int>(found->second.count());
}

bool FairQueue::cancel(Ticket ticket) {
  const auto place = places_.find(ticket);
  if (place == places_.end()) return false;
  std::deque<Request>& from =
      callers_.at(place->second.caller).waiting[static_cast<int>(place->second.priority)];
  from.erase(std::find_if(from.begin(), from.end(),
                          [&](const Request& request) { return request.ticket == ticket; }));
  places_.erase(place);
  return true;
}

std::vector<FairQueue::Ticket> FairQueue::take_expired(QueueTime now) {
  std::vector<Ticket> expired;
  for (const auto& [name, caller] : callers_)
    for (const std::deque<Request>& waiting : caller.waiting)
      for (const Request& request : waiting) {
        if (request.came + limits_.wait_max > now) break;
        expired.push_back(request.ticket);
      }
  std::sort(expired.begin(), expired.end());
  for (const Ticket ticket : expired) cancel(ticket);
  return expired;
}

std::optional<QueueTime> FairQueue::oldest() const {
  std::optional<QueueTime> oldest;
  for (const auto& [name, caller] : callers_)
    for (const std::deque<Request>& waiting : caller.waiting)
      if (!waiting.empty() && (!oldest || waiting.front().came < *oldest))
        oldest = waiting.front().came;
  return oldest;
}

// Such a caller is like one who was never here; so only debts are remembered.
bool FairQueue::is_level(const Caller& caller) const {
  return !caller.is_waiting() && caller.running == 0 && caller.used_s <= level_s_;
}

}  // namespace hearth::serve
