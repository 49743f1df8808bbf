// The program fake_engine: what `hearth engine` is, with an engine that has no model.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "hearth/base/error.h"
#include "hearth/serve/engine/engine_program.h"
#include "hearth/serve/engine/fake_engine_for_test.h"

int main() {
  using namespace hearth::serve;
  // Tests that kill it while it loads learn here whom.
  const std::string line = fmt::format("process {}\n", ::getpid());
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  try {
    run_engine_program({.open = open_fake_engine, .leave = [] { std::_Exit(0); }});
  } catch (const hearth::Error& error) {
    return hearth::exit_status(error.code());
  }
  return 0;
}
