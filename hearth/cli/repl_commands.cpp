// What a line that begins with '/' does in the conversation.
#include <fmt/format.h>

#include "hearth/base/error.h"
#include "hearth/cli/line_editor.h"
#include "hearth/cli/nearest.h"
#include "hearth/cli/numbers.h"
#include "hearth/cli/repl.h"
#include "hearth/cli/shared_options.h"
#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

constexpr std::string_view kContextName = "num_ctx";

struct ReplCommand {
  std::string_view name;   // "/set"; of a subcommand "system"
  std::string_view usage;  // what follows the name
  std::string_view help;
  void (*run)(ReplState&, std::string_view rest);
};

constexpr std::string_view kBlanks = " \t\n";

// "parameter top_k 5 " -> "parameter" and "top_k 5".
std::pair<std::string_view, std::string_view> split_word(std::string_view text) {
  text = text.substr(0, text.find_last_not_of(kBlanks) + 1);
  const size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  const size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
  const size_t next = std::min(text.find_first_not_of(kBlanks, end), text.size());
  return {text.substr(begin, end - begin), text.substr(next)};
}

template <size_t N>
void run_from(const ReplCommand (&table)[N], std::string_view what, ReplState& state,
              std::string_view line) {
  const auto [name, rest] = split_word(line);
  std::vector<std::string_view> names;
  for (const ReplCommand& command : table) {
    if (command.name == name) return command.run(state, rest);
    names.push_back(command.name);
  }
  if (name.empty()) throw Error(Errc::invalid_argument, "{} what? See /?", what);
  throw Error(Errc::invalid_argument, "unknown command {}{}{}; see /?",
              what.empty() ? "" : fmt::format("{} ", what), name, did_you_mean(name, names));
}

void show_info(ReplState& state, std::string_view) { print_foreign(state.session.info_text()); }

void show_parameters(ReplState& state, std::string_view) {
  Table table({{""}, {""}});
  for (const Parameter& parameter : kParameters)
    table.row({std::string(parameter.name), parameter.show(state.options.settings)});
  const int context = state.session.context();
  table.row({std::string(kContextName), context > 0 ? fmt::format("{}", context) : "-"});
  print(table.text("  "));
}

void show_template(ReplState& state, std::string_view) {
  const std::string& source = state.session.template_source();
  print_foreign(source.empty() ? "none: prompts are continued as they are\n" : source + "\n");
}

void show_system(ReplState& state, std::string_view) {
  const std::string& system = state.session.system();
  print(system.empty() ? "none\n" : system + "\n");
}

void show_licence(ReplState& state, std::string_view) {
  const std::string licence = state.session.licence();
  print_foreign((licence.empty() ? "not stated" : licence) + "\n");
}

void set_one_parameter(ReplState& state, std::string_view rest) {
  const auto [name, value] = split_word(rest);
  // Stop texts add up, so there must be a way back to none.
  if (name == "stop" && value.empty()) return state.options.settings.stop.clear();
  if (name.empty() || value.empty())
    throw Error(Errc::invalid_argument,
                "/set parameter needs a name and a value; /show parameters lists them");
  if (name == kContextName)
    state.session.set_context(static_cast<int>(parse_integer(kContextName, value, 0, kContextMax)));
  else
    set_parameter(state.options.settings, name, value);
}

void set_system(ReplState& state, std::string_view rest) {
  if (!state.session.is_chat())
    throw Error(Errc::unsupported,
                "this model has no chat template, so nothing would read a system message");
  state.session.set_system(std::string(rest));
}

void set_verbose(ReplState& state, std::string_view) { state.options.verbose = true; }
void set_quiet(ReplState& state, std::string_view) { state.options.verbose = false; }
void set_history(ReplState& state, std::string_view) { state.editor.keep_history(true); }
void set_no_history(ReplState& state, std::string_view) { state.editor.keep_history(false); }

constexpr ReplCommand kShow[] = {
    {"info", "", "What the model is", show_info},
    {"parameters", "", "The settings of the next answer", show_parameters},
    {"template", "", "The chat template", show_template},
    {"system", "", "The system message", show_system},
    {"licence", "", "The model's licence", show_licence},
    {"license", "", "The same", show_licence},
};

constexpr ReplCommand kSet[] = {
    {"parameter", "NAME VALUE", "A setting, e.g. temperature 0.5, num_predict 100, num_ctx 4096",
     set_one_parameter},
    {"system", "TEXT", "The system message; without TEXT none", set_system},
    {"verbose", "", "Print timings after each answer", set_verbose},
    {"quiet", "", "Print none", set_quiet},
    {"history", "", "Remember what is typed", set_history},
    {"nohistory", "", "Remember nothing from here on", set_no_history},
};

void run_set(ReplState& state, std::string_view rest) { run_from(kSet, "/set", state, rest); }
void run_show(ReplState& state, std::string_view rest) { run_from(kShow, "/show", state, rest); }

void run_clear(ReplState& state, std::string_view) {
  state.session.clear();
  print("The conversation is forgotten.\n");
}

void run_bye(ReplState& state, std::string_view) { state.leaving = true; }
void run_help(ReplState& state, std::string_view);

constexpr ReplCommand kCommands[] = {
    {"/set", "", "", run_set},
    {"/show", "", "", run_show},
    {"/clear", "", "Forget the conversation", run_clear},
    {"/bye", "", "Leave (also Ctrl-D)", run_bye},
    {"/exit", "", "The same", run_bye},
    {"/help", "", "This list (also /?)", run_help},
    {"/?", "", "The same", run_help},
};

template <size_t N>
void add_rows(Table& table, std::string_view prefix, const ReplCommand (&commands)[N]) {
  for (const ReplCommand& command : commands)
    if (!command.help.empty() && command.help != "The same")
      table.row(
          {fmt::format("{}{} {}", prefix, command.name, command.usage), std::string(command.help)});
}

void run_help(ReplState&, std::string_view) {
  Table table({{""}, {""}});
  add_rows(table, "/set ", kSet);
  add_rows(table, "/show ", kShow);
  add_rows(table, "", kCommands);
  table.row({"\"\"\"", "Begins and ends a prompt of several lines"});
  table.row({"Ctrl-C", "Stops the answer"});
  print(table.text("  "));
}

}  // namespace

void run_repl_command(ReplState& state, std::string_view line) {
  run_from(kCommands, "", state, line);
}

}  // namespace hearth::cli
