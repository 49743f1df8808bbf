// What the pool counts, as metrics.
#pragma once
#include <functional>

#include "hearth/serve/metrics/registry.h"
#include "hearth/serve/pool/pool_counters.h"

namespace hearth::serve {

/// `read` is called for each text of the registry, from its thread.
void add_pool_metrics(Registry& registry, std::function<PoolCounters()> read);

}  // namespace hearth::serve
