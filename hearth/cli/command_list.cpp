#include "hearth/cli/command_list.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "hearth/base/error.h"
#include "hearth/cli/nearest.h"

namespace hearth::cli {
namespace {

// In the order of the help: what most people want first.
const Command* const kCommands[] = {
    &kRunCommand,      &kServeCommand,   &kPullCommand,    &kListCommand,       &kShowCommand,
    &kPsCommand,       &kStopCommand,    &kCreateCommand,  &kCpCommand,         &kRmCommand,
    &kPushCommand,     &kKeyAddCommand,  &kKeyListCommand, &kKeyRemoveCommand,  &kKeyUsageCommand,
    &kQuantizeCommand, &kImportCommand,  &kBenchCommand,   &kPerplexityCommand, &kTokenizeCommand,
    &kLogitsCommand,   &kKernelsCommand, &kHelpCommand,    &kEngineCommand,
};

// Other words that people bring along, from Ollama and the shell.
struct Alias {
  std::string_view word, name;
};
constexpr Alias kAliases[] = {{"ls", "list"}, {"start", "serve"}};

}  // namespace

std::span<const Command* const> commands() { return kCommands; }

const Command* find_command(std::string_view name) {
  for (const Alias& alias : kAliases)
    if (alias.word == name) name = alias.name;
  for (const Command* command : kCommands)
    if (command->name == name) return command;
  return nullptr;
}

const Command* find_command(std::span<const std::string> words, size_t& words_taken) {
  for (words_taken = std::min<size_t>(2, words.size()); words_taken > 0; --words_taken) {
    const std::string name = fmt::format("{}", fmt::join(words.first(words_taken), " "));
    if (const Command* command = find_command(name)) return command;
  }
  return nullptr;
}

std::vector<const Command*> commands_of_group(std::string_view group) {
  std::vector<const Command*> found;
  for (const Command* command : kCommands)
    if (command->name.starts_with(fmt::format("{} ", group))) found.push_back(command);
  return found;
}

void throw_unknown_command(std::string_view typed) {
  if (!commands_of_group(typed).empty())
    throw Error(Errc::invalid_argument, "{}: one word is missing; see: hearth help {}", typed,
                typed);
  std::vector<std::string_view> names;
  for (const Command* command : kCommands)
    if (!command->is_hidden) names.push_back(command->name);
  throw Error(Errc::invalid_argument, "unknown command '{}'{}; see: hearth --help", typed,
              did_you_mean(typed, names));
}

}  // namespace hearth::cli
