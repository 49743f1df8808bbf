// The only file that includes libedit.
#include "hearth/cli/line_editor.h"

#include <histedit.h>
#include <langinfo.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "hearth/base/error.h"

namespace hearth::cli {
namespace {

constexpr int kHistoryEntries = 1000;

// libedit decodes what is typed by the locale; minimal systems have none set, and text is UTF-8 all
// the same.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::string_view(nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
}

}  // namespace

struct LineEditor::State {
  EditLine* editor = nullptr;
  History* history = nullptr;
  std::optional<fs::path> file;
  std::string prompt;
  bool keep = true;
  bool interrupted = false;
};

namespace {

const char* prompt_of(EditLine* editor) {
  LineEditor::State* state = nullptr;
  el_get(editor, EL_CLIENTDATA, &state);
  return state->prompt.c_str();
}

// Ctrl-C as a key, not as a signal: the line ends, and read() says how.
unsigned char on_interrupt_key(EditLine* editor, int) {
  LineEditor::State* state = nullptr;
  el_get(editor, EL_CLIENTDATA, &state);
  state->interrupted = true;
  std::fputs("^C\n", stdout);
  std::fflush(stdout);
  return CC_NEWLINE;
}

// libedit's handler gives the terminal back before the process stops.
unsigned char on_suspend_key(EditLine*, int) {
  ::kill(::getpid(), SIGTSTP);
  return CC_REFRESH;
}

}  // namespace

LineEditor::LineEditor(std::optional<fs::path> history_file) : state_(std::make_unique<State>()) {
  use_utf8();
  State& state = *state_;
  state.file = std::move(history_file);
  state.editor = el_init("hearth", stdin, stdout, stderr);
  state.history = history_init();
  if (!state.editor || !state.history)
    throw Error(Errc::io_failure, "the terminal cannot be set up for editing");
  el_set(state.editor, EL_CLIENTDATA, &state);
  el_set(state.editor, EL_PROMPT, prompt_of);
  el_set(state.editor, EL_EDITOR, "emacs");
  el_set(state.editor, EL_SIGNAL, 1);
  el_set(state.editor, EL_HIST, history, state.history);
  // Wide strings: of narrow ones libedit keeps copies that it never frees.
  el_wset(state.editor, EL_ADDFN, L"hearth-interrupt", L"Throw the line away", on_interrupt_key);
  el_wset(state.editor, EL_ADDFN, L"hearth-suspend", L"Go to the background", on_suspend_key);
  // While a line is edited, these are keys; while an answer comes, they are signals again.
  el_set(state.editor, EL_SETTY, "-d", "-isig", nullptr);
  el_set(state.editor, EL_BIND, "^C", "hearth-interrupt", nullptr);
  el_set(state.editor, EL_BIND, "^Z", "hearth-suspend", nullptr);
  el_set(state.editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_source(state.editor, nullptr);  // the user's ~/.editrc

  HistEvent event;
  history(state.history, &event, H_SETSIZE, kHistoryEntries);
  history(state.history, &event, H_SETUNIQUE, 1);
  if (state.file) history(state.history, &event, H_LOAD, state.file->c_str());
}

LineEditor::~LineEditor() {
  if (state_->history) history_end(state_->history);
  if (state_->editor) el_end(state_->editor);
}

std::optional<LineEditor::Line> LineEditor::read(const std::string& prompt) {
  State& state = *state_;
  state.prompt = prompt;
  state.interrupted = false;
  // Before the prompt shows: what is typed at once must be keys already, Ctrl-C above all.
  el_set(state.editor, EL_PREP_TERM, 1);
  int length = 0;
  const char* typed = el_gets(state.editor, &length);
  std::string text(typed ? typed : "", typed ? static_cast<size_t>(std::max(0, length)) : 0);
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (state.interrupted) el_reset(state.editor);
  if (!typed && !state.interrupted) return std::nullopt;
  return Line{.text = std::move(text), .interrupted = state.interrupted};
}

void LineEditor::remember(const std::string& entry) {
  State& state = *state_;
  if (!state.keep || entry.empty()) return;
  HistEvent event;
  history(state.history, &event, H_ENTER, entry.c_str());
  if (!state.file) return;
  std::error_code ignored;
  if (fs::create_directories(state.file->parent_path(), ignored))
    fs::permissions(state.file->parent_path(), fs::perms::owner_all, ignored);
  history(state.history, &event, H_SAVE, state.file->c_str());
}

void LineEditor::keep_history(bool keep) { state_->keep = keep; }

}  // namespace hearth::cli
