#include "hearth/cli/help.h"

#include <fmt/format.h>

#include <algorithm>

#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

// Lines longer than this read badly, on wide terminals too.
constexpr int kColumnsMax = 100;

int help_columns() {
  return stdout_is_terminal() ? std::clamp(terminal_columns(), 40, kColumnsMax) : kColumnsMax;
}

std::string spelled(const Option& option) {
  if (option.value.empty()) return std::string(option.name);
  return fmt::format("{} {}", option.name, option.value);
}

std::string spelled(const Positional& positional) {
  const std::string name = fmt::format("{}{}", positional.name, positional.rest ? "…" : "");
  return positional.required ? name : "[" + name + "]";
}

// Rows of "what  explanation", the explanations aligned and wrapped.
std::string definitions(const std::vector<std::pair<std::string, std::string_view>>& rows) {
  int width = 0;
  for (const auto& [what, explanation] : rows) width = std::max(width, display_columns(what));
  std::string text;
  for (const auto& [what, explanation] : rows) {
    const std::string space(static_cast<size_t>(width - display_columns(what)), ' ');
    const int indent = width + 4;
    text += "  " + what + space + "  " + wrap(explanation, help_columns() - indent, indent) + "\n";
  }
  return text;
}

std::string positional_rows(const Command& command) {
  std::vector<std::pair<std::string, std::string_view>> rows;
  for (const Positional& positional : command.positionals)
    rows.emplace_back(spelled(positional), positional.help);
  return definitions(rows);
}

std::string option_rows(const Command& command) {
  std::vector<std::pair<std::string, std::string_view>> rows;
  for (const Option& option : command.options) rows.emplace_back(spelled(option), option.help);
  return definitions(rows);
}

// "|" would end a cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
  return escaped;
}

std::string command_markdown(const Command& command) {
  std::string text = fmt::format("## hearth {}\n\n{}.", command.name, command.summary);
  if (!command.details.empty()) text += fmt::format(" {}", command.details);
  text +=
      fmt::format("\n\n```\n{}\n```\n\n| argument | meaning |\n|---|---|\n", usage_line(command));
  for (const Positional& positional : command.positionals)
    text += fmt::format("| `{}` | {} |\n", spelled(positional), cell(positional.help));
  for (const Option& option : command.options)
    text += fmt::format("| `{}` | {} |\n", cell(spelled(option)), cell(option.help));
  text += "\n```\n";
  for (const std::string_view example : command.examples) text += fmt::format("{}\n", example);
  return text + "```\n\n";
}

}  // namespace

std::string version_text() { return "hearth " HEARTH_VERSION; }

std::string usage_line(const Command& command) {
  std::string line = fmt::format("hearth {}", command.name);
  for (const Positional& positional : command.positionals) line += " " + spelled(positional);
  if (!command.options.empty()) line += " [OPTIONS]";
  return line;
}

std::string overview_text() {
  std::vector<std::pair<std::string, std::string_view>> rows;
  for (const Command* command : commands())
    if (!command->is_hidden) rows.emplace_back(command->name, command->summary);
  return fmt::format(
      "Hearth turns the devices of this box into a private AI machine. Nothing leaves the box.\n\n"
      "Usage: hearth COMMAND [OPTIONS]\n\nCommands:\n{}\n"
      "Examples:\n"
      "  hearth run                                  chat with the built-in model\n"
      "  hearth run \"Once upon a time\"               answer one prompt\n"
      "  echo \"The fox said\" | hearth run            the prompt from a pipe\n"
      "  hearth COMMAND --help                       what a command takes, with examples\n",
      definitions(rows));
}

std::string command_help_text(const Command& command) {
  std::string text = fmt::format("{}.\n\nUsage: {}\n", command.summary, usage_line(command));
  if (!command.details.empty()) text += "\n" + wrap(command.details, help_columns(), 0) + "\n";
  if (!command.positionals.empty()) text += "\nArguments:\n" + positional_rows(command);
  if (!command.options.empty()) text += "\nOptions:\n" + option_rows(command);
  if (command.examples.empty()) return text;
  text += "\nExamples:\n";
  for (const std::string_view example : command.examples) text += fmt::format("  {}\n", example);
  return text;
}

std::string group_help_text(std::string_view group) {
  std::vector<std::pair<std::string, std::string_view>> rows;
  for (const Command* command : commands_of_group(group))
    rows.emplace_back(command->name, command->summary);
  return fmt::format("Usage: hearth {} COMMAND [OPTIONS]\n\nCommands:\n{}", group,
                     definitions(rows));
}

std::string reference_markdown() {
  std::string text =
      "# The command line\n\n"
      "Made by `hearth help --markdown` from the records that also parse the command line.\n\n"
      "Exit status: 0 done, 1 the answer is no, 2 wrong usage, 3 not found, 4 conflict, 5 corrupt "
      "data,\n"
      "6 unsupported, 7 a limit, the memory or the disk is exhausted, 8 unavailable, 9 the system "
      "said no,\n"
      "10 the input is longer than the context, 130 Ctrl-C.\n"
      "Errors go to standard error as `hearth: …`. `HEARTH_CPU=scalar|avx2|avx512` caps the "
      "kernels,\n"
      "`HEARTH_MODELS` names the folder of models, `HEARTH_HOME` the folder of Hearth's own files\n"
      "(without it `$XDG_DATA_HOME/hearth` or `~/.local/share/hearth`; for root "
      "`/var/lib/hearth`, where\nthat is there).\n\n";
  for (const Command* command : commands())
    if (!command->is_hidden) text += command_markdown(*command);
  text.pop_back();
  return text;
}

}  // namespace hearth::cli
