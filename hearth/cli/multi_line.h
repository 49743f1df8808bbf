// A prompt of several lines, between """ and """.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace hearth::cli {

/// Collects lines until an input is complete.
class MultiLine {
 public:
  struct Input {
    std::string text;   // without the marks
    std::string typed;  // with them: what the history keeps, so that it means the same again
    /// A command, as far as the first character tells: text between marks never is one.
    bool is_command() const { return typed.starts_with('/'); }
  };
  /// The next line typed. Returns the whole input once it is complete: a plain line at once; one
  /// that begins with """ (also after "/set …") when the closing """ has come, its text without the
  /// marks and without the line breaks on their inner sides.
  std::optional<Input> feed(std::string_view line);
  /// True between the marks.
  bool is_open() const { return open_; }
  /// Forgets what was collected.
  void reset();

 private:
  std::string typed_;
  bool open_ = false;
};

}  // namespace hearth::cli
