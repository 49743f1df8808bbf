// `hearth engine`: a model in a process of its own, as the daemon starts it. Not for people.
#include <cstdlib>

#include "hearth/cli/command_list.h"
#include "hearth/serve/engine/encoder_engine.h"
#include "hearth/serve/engine/engine_program.h"

namespace hearth::cli {
namespace {

int run_engine(const Args&) {
  serve::run_engine_program(
      {.open = [](const serve::ModelLoad& load, const serve::LoadProgress&)
           -> std::unique_ptr<serve::Engine> { return serve::open_model(load); },
       .leave = [] { std::_Exit(0); }});
  return 0;
}

constexpr std::string_view kExamples[] = {"hearth serve"};

}  // namespace

const Command kEngineCommand = {
    .name = "engine",
    .summary = "Run one model for the daemon, which starts this itself",
    .examples = kExamples,
    .run = run_engine,
    .is_hidden = true,
};

}  // namespace hearth::cli
