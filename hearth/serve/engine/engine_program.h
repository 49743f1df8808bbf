// The life of an engine's process: load what the daemon sends, serve it, end with the daemon.
#pragma once
#include <functional>
#include <memory>

#include "hearth/serve/engine/engine.h"
#include "hearth/serve/engine/model_load.h"

namespace hearth::serve {

/// The connection to the daemon in a process that EngineProcess started. It carries the load, and
/// lives as long as the daemon wants the engine.
inline constexpr int kControlFd = 3;

/// Errors: what the model is refused for.
using OpenEngine =
    std::function<std::unique_ptr<Engine>(const ModelLoad& load, const LoadProgress& progress)>;

struct EngineProgram {
  OpenEngine open;
  /// Ends the process at once, without destructors: nothing of an engine is worth waiting for when
  /// nobody wants it any more.
  std::function<void()> leave;
};

/// Loads and serves until the daemon closes the connection, or dies, or SIGTERM comes; SIGINT and
/// SIGHUP are ignored, a terminal's keys being the daemon's to understand. Call it before other
/// threads are started. The load's error goes to the daemon and is not thrown. Errors:
/// invalid_argument (not started by EngineProcess).
void run_engine_program(const EngineProgram& program);

}  // namespace hearth::serve
