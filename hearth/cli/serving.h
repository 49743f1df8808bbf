// The settings of serving as options of the command line, and this program as what serves.
#pragma once
#include <span>

#include "hearth/base/files.h"
#include "hearth/cli/command.h"
#include "hearth/serve/daemon/serve_options.h"

namespace hearth::cli {

/// A record for each of serve::serve_settings().
std::span<const Option> serve_command_options();

/// The environment's settings, and those of the command line over them. Errors: invalid_argument
/// naming the option or the variable.
serve::ServeOptions serve_options(const Args& args);
/// The environment's alone.
serve::ServeOptions serve_options();

/// The file that this process was started from.
fs::path program_path();

}  // namespace hearth::cli
