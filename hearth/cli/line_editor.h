// Line editing with history, through libedit.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "hearth/base/files.h"

namespace hearth::cli {

class LineEditor {
 public:
  struct Line {
    std::string text;          // UTF-8, without the newline
    bool interrupted = false;  // Ctrl-C: what was typed is to be thrown away
  };
  struct State;

  /// History is kept in `history_file` (readable by its owner only); nothing: not kept. A file that
  /// cannot be read or written costs the history, not the conversation.
  explicit LineEditor(std::optional<fs::path> history_file);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  /// The next line; nothing at the end of the input (Ctrl-D on an empty line).
  std::optional<Line> read(const std::string& prompt);
  /// Adds an entry, which may hold newlines, and saves.
  void remember(const std::string& entry);
  void keep_history(bool keep);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace hearth::cli
