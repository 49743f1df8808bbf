// What `hearth --help`, `hearth COMMAND --help` and docs/cli.md say, made from the commands'
// records.
#pragma once
#include <string>
#include <string_view>

#include "hearth/cli/command.h"

namespace hearth::cli {

/// "hearth 0.1.0": the program and its version.
std::string version_text();
/// The list of commands.
std::string overview_text();
/// One command: usage, options, examples.
std::string command_help_text(const Command& command);
/// The commands of a group.
std::string group_help_text(std::string_view group);
/// docs/cli.md, which a test compares with this.
std::string reference_markdown();

/// "hearth show FILE [--json] …"
std::string usage_line(const Command& command);

}  // namespace hearth::cli
