// The metrics of `hearth serve` by name. Where llama-server has one that means the same, it is
// there under that name too, so that dashboards made for it go on working.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/serve/metrics/registry.h"

namespace hearth::serve {

/// What is known of an answer when it is over.
struct AnswerMeasure {
  std::string model;      // short name, as listed
  std::string_view end;   // a constant: "stop", "length", "cancelled", "error"
  int prompt_tokens = 0;  // all of them
  int cached_tokens = 0;  // of these, not computed again
  int generated_tokens = 0;
  std::chrono::nanoseconds queue_time{}, prompt_time{}, decode_time{};
  /// From the request to its first piece; zero: there was none.
  std::chrono::nanoseconds time_to_first_token{};
};

/// A loaded model at the moment of reading.
struct LoadMeasure {
  std::string model;
  int running = 0, waiting = 0;  // answers
  uint64_t memory_bytes = 0, device_bytes = 0;
  int pages_free = 0, pages_total = 0;  // of the KV cache
};

/// Thread-safe. The registry must outlive it.
class ServeMetrics {
 public:
  /// `read_loads` is called once for each text of the registry, from its thread.
  ServeMetrics(Registry& registry, std::string_view version,
               std::function<std::vector<LoadMeasure>()> read_loads);

  /// A request is over; `path` is counted under its route_label().
  void count_request(std::string_view path, int status, std::chrono::nanoseconds duration);
  void count_answer(const AnswerMeasure& answer);

 private:
  Family<Counter>& requests_;
  Family<Histogram>& request_seconds_;
  Family<Counter>& answers_;
  Family<Counter>& tokens_;
  Family<Histogram>& first_token_seconds_;
  Family<Histogram>& queue_seconds_;
  Family<Histogram>& prompt_seconds_;
  Family<Histogram>& decode_seconds_;
  // As llama-server counts them: over all models.
  Counter& llama_prompt_tokens_;
  Counter& llama_prompt_seconds_;
  Counter& llama_predicted_tokens_;
  Counter& llama_predicted_seconds_;
};

}  // namespace hearth::serve
