// A bar on the terminal for what takes longer than a breath.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::cli {

/// One line of progress: "label  ██████      62 %  tensor 120  3.1 s left". Pure; `columns` is the
/// width to fill.
std::string progress_line(std::string_view label, double fraction, std::string_view detail,
                          double elapsed_s, int columns);

/// Draws on standard error when that is a terminal, ten times a second at most, and nothing
/// elsewhere.
class ProgressBar {
 public:
  explicit ProgressBar(std::string label);
  /// Clears the line.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(uint64_t done, uint64_t total, std::string_view detail = "");

 private:
  std::string label_;
  bool visible_;
  std::chrono::steady_clock::time_point started_, drawn_{};
};

}  // namespace hearth::cli
