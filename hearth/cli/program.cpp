// The way in and the one place where errors end: a line on stderr and an exit status.
#include <csignal>
#include <cstdlib>
#include <new>

#include "hearth/base/error.h"
#include "hearth/cli/command.h"
#include "hearth/cli/help.h"
#include "hearth/cli/interrupt.h"
#include "hearth/cli/parse.h"
#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

constexpr int kInterrupted = 130;  // 128 + SIGINT, as shells report it

// `hearth key --help` lists the commands of the group; anything else is no command.
int explain_group(const std::vector<std::string>& words) {
  const bool is_group = !commands_of_group(words[0]).empty();
  if (is_group && words.size() == 2 && (words[1] == "--help" || words[1] == "-h")) {
    print(group_help_text(words[0]));
    return 0;
  }
  throw_unknown_command(is_group && words.size() > 1 ? words[0] + " " + words[1] : words[0]);
}

int run_words(const std::vector<std::string>& words) {
  if (words.empty() || words[0] == "--help" || words[0] == "-h") {
    print(overview_text());
    return words.empty() ? exit_status(Errc::invalid_argument) : 0;
  }
  if (words[0] == "--version" || words[0] == "-v" || words[0] == "version") {
    print(version_text() + "\n");
    return 0;
  }
  size_t name_words = 0;
  const Command* command = find_command(words, name_words);
  if (!command) return explain_group(words);
  const Args args = parse_args(*command, std::span(words).subspan(name_words));
  if (args.has("--help")) {
    print(command_help_text(*command));
    return 0;
  }
  return command->run(args);
}

}  // namespace

int run_program(int argc, char** argv) {
  // A parent may have left this ignored; `hearth … | head` shall end without a word.
  std::signal(SIGPIPE, SIG_DFL);
  try {
    return run_words({argv + (argc > 0), argv + argc});
  } catch (const Interrupted&) {
    return kInterrupted;
  } catch (const Error& error) {
    print_note(error.what());
    return exit_status(error.code());
  } catch (const std::bad_alloc&) {
    print_note("the memory of this machine is not enough");
    return exit_status(Errc::resource_exhausted);
  } catch (const std::exception& error) {
    print_note(fmt::format("unexpected: {}; please report this", error.what()));
    return exit_status(Errc::io_failure);
  }
}

}  // namespace hearth::cli
