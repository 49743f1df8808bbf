// When a request is worth another attempt, and how long to wait before it.
#pragma once
#include <chrono>
#include <stop_token>

#include "hearth/store/registry/http_exchange.h"

namespace hearth::store {

/// True for what time may heal: no whole answer, or one of 408, 425, 429 and 5xx.
bool may_pass(const HttpAnswer& answer);

/// The wait before attempt `failures` + 1 (failures from 1): backoff_first doubled each time up to
/// backoff_max; longer where the server says so in Retry-After (seconds), up to kRetryAfterMax.
std::chrono::milliseconds backoff(const TransferLimits& limits, int failures,
                                  const HttpAnswer& answer);

/// Waits for `time`. Errors: unavailable, at once when `cancelled` trips.
void wait_unless(const std::stop_token& cancelled, std::chrono::milliseconds time);

/// Counts attempts that bring nothing new.
class Retry {
 public:
  explicit Retry(const TransferLimits& limits) : limits_(limits) {}

  /// After an answer: true, once the wait is over, when it may pass and attempts are left. Errors:
  /// unavailable (cancelled meanwhile).
  bool wait_after(const HttpAnswer& answer, const std::stop_token& cancelled);
  /// Something new came: attempts count from the beginning again.
  void made_progress() { failures_ = 0; }

 private:
  const TransferLimits& limits_;
  int failures_ = 0;
};

}  // namespace hearth::store
