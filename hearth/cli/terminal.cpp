#include "hearth/cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "hearth/base/error.h"
#include "hearth/cli/visible_text.h"

namespace hearth::cli {
namespace {

// False with errno set when the descriptor takes no more.
bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(descriptor, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    text.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

std::string padded(const std::string& cell, int width, Align align) {
  const std::string space(static_cast<size_t>(std::max(0, width - display_columns(cell))), ' ');
  return align == Align::left ? cell + space : space + cell;
}

}  // namespace

void print(std::string_view text) {
  if (!write_all(STDOUT_FILENO, text))
    throw Error(Errc::io_failure, "standard output cannot be written: {}", std::strerror(errno));
}

void print_foreign(std::string_view text) {
  if (stdout_is_terminal())
    print(visible_text(text));
  else
    print(text);
}

void print_error_text(std::string_view text) { write_all(STDERR_FILENO, text); }
void print_note(std::string_view text) {
  print_error_text(fmt::format("hearth: {}\n", visible_text(text)));
}
void print_hint(std::string_view text) {
  if (stderr_is_terminal()) print_note(text);
}

bool stdin_is_terminal() { return ::isatty(STDIN_FILENO) == 1; }
bool stdout_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

int terminal_columns() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

int display_columns(std::string_view text) {
  // Bytes that continue a character (10xxxxxx) take no column of their own.
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

void Table::row(std::vector<std::string> cells) {
  HEARTH_CHECK(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text(std::string_view indent) const {
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.emplace_back(column.title);
  const bool titled = std::any_of(titles.begin(), titles.end(), [](auto& t) { return !t.empty(); });
  if (titled) lines.push_back(titles);
  lines.insert(lines.end(), rows_.begin(), rows_.end());

  std::vector<int> widths(columns_.size());
  for (const auto& line : lines)
    for (size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], display_columns(line[i]));

  std::string text;
  for (const auto& line : lines) {
    std::string row(indent);
    for (size_t i = 0; i < line.size(); ++i)
      row += padded(line[i], widths[i], columns_[i].align) + "  ";
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + "\n";
  }
  return text;
}

std::string wrap(std::string_view text, int columns, int indent) {
  std::string wrapped;
  int column = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    const int width = display_columns(word);
    if (column > 0 && column + 1 + width > columns) {
      wrapped += "\n" + std::string(static_cast<size_t>(indent), ' ');
      column = 0;
    } else if (column > 0) {
      wrapped += ' ';
      ++column;
    }
    wrapped += word;
    column += width;
    begin = end + 1;
  }
  return wrapped;
}

}  // namespace hearth::cli
