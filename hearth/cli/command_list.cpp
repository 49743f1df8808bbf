#include "hearth/cli/command_list.h"

#include "hearth/base/error.h"
#include "hearth/cli/nearest.h"

namespace hearth::cli {
namespace {

// In the order of the help: what most people want first.
const Command* const kCommands[] = {
    &kRunCommand,      &kServeCommand,    &kPullCommand,    &kListCommand,  &kShowCommand,
    &kPsCommand,       &kStopCommand,     &kCreateCommand,  &kCpCommand,    &kRmCommand,
    &kPushCommand,     &kQuantizeCommand, &kImportCommand,  &kBenchCommand, &kPerplexityCommand,
    &kTokenizeCommand, &kLogitsCommand,   &kKernelsCommand, &kHelpCommand,  &kEngineCommand,
};

}  // namespace

std::span<const Command* const> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  for (const Command* command : kCommands)
    if (command->name == name) return command;
  return nullptr;
}

void throw_unknown_command(std::string_view typed) {
  std::vector<std::string_view> names;
  for (const Command* command : kCommands)
    if (!command->is_hidden) names.push_back(command->name);
  throw Error(Errc::invalid_argument, "unknown command '{}'{}; see: hearth --help", typed,
              did_you_mean(typed, names));
}

}  // namespace hearth::cli
