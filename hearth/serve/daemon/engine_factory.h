// Makes the engines of the pool: processes of their own under a daemon, objects of this process
// without one.
#pragma once
#include "hearth/serve/daemon/event_log.h"
#include "hearth/serve/daemon/serve_options.h"
#include "hearth/serve/pool/engine_spec.h"

namespace hearth::serve {

struct EnginePlace;

/// `log` must outlive the factory and its engines.
EngineFactory make_engine_factory(const ServeOptions& options, const EnginePlace& place,
                                  EventLog& log);

}  // namespace hearth::serve
