#include "hearth/cli/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "hearth/base/units.h"
#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

constexpr std::string_view kClearLine = "\r\x1b[K";
constexpr int kBarColumns = 24;
// Before this share is done the time left is a guess that jumps about.
constexpr double kEtaFromFraction = 0.02;

std::string bar(double fraction) {
  std::string text;
  const int filled = static_cast<int>(fraction * kBarColumns);
  for (int i = 0; i < kBarColumns; ++i) text += i < filled ? "█" : "░";
  return text;
}

}  // namespace

std::string progress_line(std::string_view label, double fraction, std::string_view detail,
                          double elapsed_s, int columns) {
  fraction = std::clamp(fraction, 0.0, 1.0);
  std::string line = fmt::format("{}  {} {:3.0f} %", label, bar(fraction), fraction * 100);
  if (fraction >= kEtaFromFraction && fraction < 1)
    line += fmt::format("  {} left", format_seconds(elapsed_s / fraction * (1 - fraction)));
  const int room = columns - 1 - display_columns(line) - 2;
  if (!detail.empty() && display_columns(detail) <= room) line += fmt::format("  {}", detail);
  return line;
}

ProgressBar::ProgressBar(std::string label)
    : label_(std::move(label)),
      visible_(stderr_is_terminal()),
      started_(std::chrono::steady_clock::now()) {}

ProgressBar::~ProgressBar() {
  if (visible_) print_error_text(kClearLine);
}

void ProgressBar::update(uint64_t done, uint64_t total, std::string_view detail) {
  const auto now = std::chrono::steady_clock::now();
  if (!visible_ || now - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = now;
  const double fraction = total == 0 ? 0 : static_cast<double>(done) / static_cast<double>(total);
  const double elapsed_s = std::chrono::duration<double>(now - started_).count();
  print_error_text(std::string(kClearLine) +
                   progress_line(label_, fraction, detail, elapsed_s, terminal_columns()));
}

}  // namespace hearth::cli
