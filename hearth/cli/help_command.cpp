// `hearth help`: the same texts as --help, and the page docs/cli.md.
#include "hearth/base/error.h"
#include "hearth/cli/command_list.h"
#include "hearth/cli/help.h"
#include "hearth/cli/nearest.h"
#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

int run_help(const Args& args) {
  if (args.has("--markdown")) {
    print(reference_markdown());
    return 0;
  }
  const std::optional<std::string> name = args.rest("COMMAND");
  if (!name) {
    print(overview_text());
    return 0;
  }
  const Command* command = find_command(*name);
  if (!command && !commands_of_group(*name).empty()) {
    print(group_help_text(*name));
    return 0;
  }
  if (!command) throw_unknown_command(*name);
  print(command_help_text(*command));
  return 0;
}

constexpr Positional kPositionals[] = {
    {.name = "COMMAND",
     .help = "What to explain; without it all commands are listed",
     .required = false,
     .rest = true},
};
constexpr Option kOptions[] = {
    {"--markdown", "", "Print the reference of all commands, which is docs/cli.md"},
};
constexpr std::string_view kExamples[] = {"hearth help", "hearth help run", "hearth help key add"};

}  // namespace

const Command kHelpCommand = {
    .name = "help",
    .summary = "Explain a command",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .run = run_help,
};

}  // namespace hearth::cli
