// A bar on the terminal for what takes longer than a breath.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::cli {

/// What a line of progress shows. Fractions are of the whole, 0 to 1.
struct Progress {
  double fraction = 0;
  double begun_at = 0;   // was done when `elapsed_s` began: a download that goes on
  double elapsed_s = 0;  // since then
};

/// One line of progress: "label  ██████      62 %  3.1 s left  tensor 120". Pure; `columns` is the
/// width to fill.
std::string progress_line(std::string_view label, const Progress& progress, std::string_view detail,
                          int columns);

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
  double begun_at_ = -1;  // fraction of the first update; below 0: none came yet
  std::chrono::steady_clock::time_point started_, drawn_{};
};

}  // namespace hearth::cli
