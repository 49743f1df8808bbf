#include "hearth/serve/daemon/engine_factory.h"

#include <chrono>
#include <utility>

#include "hearth/serve/daemon/serve_stack.h"
#include "hearth/serve/engine/encoder_engine.h"
#include "hearth/serve/engine/engine_process.h"

namespace hearth::serve {
namespace {

using Clock = std::chrono::steady_clock;

Message message_of(const store::ModelMessage& turn) {
  Message message;
  message.role = find_role(turn.role).value_or(Role::user);
  message.content = turn.content;
  return message;
}

ModelLoad load_of(const EngineSpec& spec, const ServeOptions& options) {
  ModelLoad load;
  load.path = spec.model_file;
  for (const AdapterLayer& adapter : spec.adapters)
    load.adapters.push_back({.name = adapter.name, .path = adapter.file});
  load.template_text = spec.texts.template_text.value_or("");
  load.system = spec.texts.system.value_or("");
  for (const store::ModelMessage& turn : spec.texts.messages)
    load.messages.push_back(message_of(turn));
  load.parameters = spec.texts.parameters;
  for (const auto& [name, value] : spec.load_options) load.parameters[name] = value;
  load.answers_max = options.parallel;
  load.kv_type = options.cache_type;
  return load;
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// `hearth engine` says what it has to say on its standard error; how it ended is told here.
EngineProcessOptions process_options(const EngineSpec& spec, const ServeOptions& options,
                                     const EnginePlace& place, EventLog& log) {
  EngineProcessOptions process{.program = place.program,
                               .model = spec.model,
                               .load = load_of(spec, options),
                               .socket_folders = {place.socket_folder},
                               .load_time_max = options.load_timeout,
                               .cancelled = spec.cancelled};
  process.on_line = [&log, model = spec.model](std::string_view line) {
    log.event("engine.says", {{"model", model}, {"line", line}});
  };
  process.on_exit = [&log, model = spec.model](const EngineExit& exit) {
    log.event(exit.was_asked ? "engine.ended" : "engine.died",
              {{"model", model}, {"how", exit.how}});
  };
  return process;
}

}  // namespace

EngineFactory make_engine_factory(const ServeOptions& options, const EnginePlace& place,
                                  EventLog& log) {
  return [options, place, &log](const EngineSpec& spec) -> std::unique_ptr<Engine> {
    const auto begin = Clock::now();
    log.event("model.loads", {{"model", spec.model}});
    try {
      std::unique_ptr<Engine> engine;
      if (place.program.empty())
        engine = open_model(load_of(spec, options));
      else
        engine = EngineProcess::start(process_options(spec, options, place, log));
      log.event("model.loaded", {{"model", spec.model},
                                 {"seconds", seconds_since(begin)},
                                 {"context", int64_t{engine->facts().context}},
                                 {"memory_bytes", int64_t(engine->facts().memory_bytes)},
                                 {"process", int64_t{engine->process()}}});
      return engine;
    } catch (const Error& error) {
      log.event("model.refused", {{"model", spec.model}, {"why", error.what()}});
      throw;
    }
  };
}

}  // namespace hearth::serve
