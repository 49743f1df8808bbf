// Standard output and error: written whole or an error, never half and silent; and what the
// terminal can do.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace hearth::cli {

/// Writes `text` to standard output at once (nothing is held back). Errors: io_failure, e.g. a full
/// disk.
void print(std::string_view text);
/// As print; on a terminal as visible_text, because `text` comes from a model or a file.
void print_foreign(std::string_view text);
/// A line to standard error that the user should see wherever it goes: "hearth: text", as
/// visible_text because it may quote a file.
void print_note(std::string_view text);
/// As print_note, but only when standard error is a terminal: progress, hints.
void print_hint(std::string_view text);
/// Raw text to standard error; a failure to write there has nobody left to hear of it.
void print_error_text(std::string_view text);

bool stdin_is_terminal();
bool stdout_is_terminal();
bool stderr_is_terminal();
/// Columns of the terminal on standard error, 80 where there is none.
int terminal_columns();

/// Columns that `text` takes on a terminal, as far as counting UTF-8 characters can tell.
int display_columns(std::string_view text);

enum class Align { left, right };

/// Text in columns, two spaces apart, as wide as the widest cell.
class Table {
 public:
  struct Column {
    std::string_view title;
    Align align = Align::left;
  };
  /// A table whose titles are all empty prints no line of titles.
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// As many cells as there are columns.
  void row(std::vector<std::string> cells);
  /// Every line, each after `indent` and ending in a newline; no spaces at the ends of lines.
  std::string text(std::string_view indent = "") const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// `text` broken at spaces into lines of at most `columns`; the second and later ones stand behind
/// `indent` spaces that do not count.
std::string wrap(std::string_view text, int columns, int indent);

}  // namespace hearth::cli
