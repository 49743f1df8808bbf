// A prompt of several lines, between """ and """.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace hearth::cli {

/// Collects lines until a prompt is complete.
class MultiLine {
 public:
  /// The next line typed. Returns the whole input once it is complete: a plain line at once; one
  /// that begins with
  /// """ (also after "/set …") when the closing """ has come, without the marks and without the
  /// line breaks next to them.
  std::optional<std::string> feed(std::string_view line);
  /// True between the marks.
  bool is_open() const { return open_; }
  /// Forgets what was collected.
  void reset();

 private:
  std::string text_;
  bool open_ = false;
};

}  // namespace hearth::cli
