#include "hearth/cli/multi_line.h"

namespace hearth::cli {
namespace {

constexpr std::string_view kMark = "\"\"\"";

bool may_begin(std::string_view line) {
  return line.starts_with(kMark) || line.starts_with("/set ");
}

// Takes out the opening and the closing mark, each with one line break on its inner side.
std::string without_marks(std::string text) {
  const size_t first = text.find(kMark);
  text.erase(first, kMark.size());
  if (text.compare(first, 1, "\n") == 0) text.erase(first, 1);
  const size_t last = text.find(kMark, first);
  text.erase(last, kMark.size());
  if (last > first && text[last - 1] == '\n') text.erase(last - 1, 1);
  return text;
}

}  // namespace

std::optional<MultiLine::Input> MultiLine::feed(std::string_view line) {
  if (open_) {
    typed_ += '\n';
    typed_ += line;
    if (line.find(kMark) == std::string_view::npos) return std::nullopt;
  } else {
    const size_t mark = line.find(kMark);
    if (mark == std::string_view::npos || !may_begin(line))
      return Input{.text = std::string(line), .typed = std::string(line)};
    typed_ = line;
    open_ = line.find(kMark, mark + kMark.size()) == std::string_view::npos;
    if (open_) return std::nullopt;
  }
  Input input{.text = without_marks(typed_), .typed = std::move(typed_)};
  reset();
  return input;
}

void MultiLine::reset() {
  typed_.clear();
  open_ = false;
}

}  // namespace hearth::cli
