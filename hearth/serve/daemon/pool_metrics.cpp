#include "hearth/serve/daemon/pool_metrics.h"

#include <utility>

namespace hearth::serve {
namespace {

struct Row {
  const char* name;
  const char* help;
  SampleType type;
  double (*value)(const PoolCounters&);
};
constexpr Row kRows[] = {
    {"hearth_requests_waiting", "Requests that wait for their turn at a model", SampleType::gauge,
     [](const PoolCounters& c) { return double(c.waiting); }},
    {"hearth_turns_running", "Requests that have their turn at a model", SampleType::gauge,
     [](const PoolCounters& c) { return double(c.running); }},
    {"hearth_models_loading", "Models that load", SampleType::gauge,
     [](const PoolCounters& c) { return double(c.loading); }},
    {"hearth_turns_total", "Turns begun", SampleType::counter,
     [](const PoolCounters& c) { return double(c.turns); }},
    {"hearth_refusals_total", "Requests told to come back, because too many wait or too long",
     SampleType::counter, [](const PoolCounters& c) { return double(c.refused); }},
    {"hearth_departures_total", "Clients that left while they waited", SampleType::counter,
     [](const PoolCounters& c) { return double(c.left); }},
    {"hearth_load_failures_total", "Loads that failed", SampleType::counter,
     [](const PoolCounters& c) { return double(c.engines.load_failures); }},
    {"hearth_evictions_total", "Models unloaded to make room", SampleType::counter,
     [](const PoolCounters& c) { return double(c.engines.evictions); }},
    {"hearth_expirations_total", "Models unloaded after their keep-alive or on request",
     SampleType::counter, [](const PoolCounters& c) { return double(c.engines.expirations); }},
    {"hearth_engine_deaths_total", "Engines that died while loaded", SampleType::counter,
     [](const PoolCounters& c) { return double(c.engines.deaths); }},
    {"hearth_engine_restarts_total", "Loads of an engine that had died", SampleType::counter,
     [](const PoolCounters& c) { return double(c.engines.restarts); }},
};

}  // namespace

void add_pool_metrics(Registry& registry, std::function<PoolCounters()> read) {
  for (const Row& row : kRows)
    registry.sampled({row.name, row.help}, row.type, [read, value = row.value] {
      return std::vector<Sample>{{{}, value(read())}};
    });
  registry.sampled({"hearth_loads_total", "Loads of each model", {"model"}}, SampleType::counter,
                   [read] {
                     std::vector<Sample> samples;
                     for (const auto& [model, count] : read().engines.loads)
                       samples.push_back({{model}, double(count)});
                     return samples;
                   });
}

}  // namespace hearth::serve
