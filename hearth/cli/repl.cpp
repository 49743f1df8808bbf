#include "hearth/cli/repl.h"

#include <fmt/format.h>

#include <algorithm>

#include "hearth/base/error.h"
#include "hearth/cli/answer_text.h"
#include "hearth/cli/interrupt.h"
#include "hearth/cli/line_editor.h"
#include "hearth/cli/multi_line.h"
#include "hearth/cli/paths.h"
#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

constexpr const char* kPrompt = ">>> ";
constexpr const char* kOpenPrompt = "... ";

std::optional<fs::path> history_file() {
  const std::optional<fs::path> home = home_folder();
  return home ? std::optional(*home / "history") : std::nullopt;
}

void print_greeting(const Conversation& session, const std::string& model) {
  print_foreign(fmt::format("{}: {}. /? for help, /bye to leave.\n", model, session.summary()));
  const std::string about = session.description();
  if (!about.empty()) print_foreign(about + "\n");
  if (!session.is_chat())
    print("This model has no chat template: it continues the text you type, each time afresh.\n");
}

// Templates leave it to the model to put a space or a line break between its turn and its words.
std::string_view without_leading_space(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \n"), text.size()));
}

void answer_prompt(ReplState& state, const std::string& prompt, std::stop_token cancelled) {
  bool begun = !state.session.is_chat(), line_is_open = false;
  if (begun) print(prompt);  // a continuation reads as one text with what it continues
  const auto show = [&](std::string_view text) {
    if (!begun) text = without_leading_space(text);
    if (text.empty()) return;
    print_foreign(text);
    begun = true;
    line_is_open = !text.ends_with('\n');
  };
  Answer answer;
  try {
    answer = state.session.answer(prompt, state.options.settings, std::move(cancelled), show);
  } catch (const Error&) {
    if (begun) print("\n");  // what went wrong stands on a line of its own
    throw;
  }
  print(line_is_open ? "\n\n" : "\n");
  for (const std::string& note : answer_notes(answer, state.session.context())) print_note(note);
  if (state.options.verbose) print_error_text(timings_text(answer) + "\n");
}

// One complete input. Whatever goes wrong is said, and the conversation goes on.
void handle_input(ReplState& state, const MultiLine::Input& input, std::stop_token cancelled) {
  try {
    if (input.is_command())
      run_repl_command(state, input.text);
    else
      answer_prompt(state, input.text, std::move(cancelled));
  } catch (const Error& error) {
    print_note(error.what());
  }
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\n") == std::string_view::npos;
}

}  // namespace

int run_repl(Conversation& session, const ReplOptions& options) {
  LineEditor editor(history_file());
  InterruptWatch watch;
  ReplState state{.session = session, .options = options, .editor = editor};
  MultiLine multi_line;
  print_greeting(session, options.model);
  while (!state.leaving) {
    const auto line = editor.read(multi_line.is_open() ? kOpenPrompt : kPrompt);
    std::stop_token cancelled = watch.arm();  // at once: from here on Ctrl-C is a signal again
    if (!line) {
      print("\n");
      break;
    }
    if (line->interrupted) {
      if (line->text.empty() && !multi_line.is_open())
        print("Type /bye or press Ctrl-D to leave.\n");
      multi_line.reset();
      continue;
    }
    const std::optional<MultiLine::Input> input = multi_line.feed(line->text);
    if (!input || is_blank(input->text)) continue;
    editor.remember(input->typed);
    handle_input(state, *input, std::move(cancelled));
  }
  return 0;
}

}  // namespace hearth::cli
