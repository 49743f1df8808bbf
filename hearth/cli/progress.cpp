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

std::string progress_line(std::string_view label, const Progress& progress, std::string_view detail,
                          int columns) {
  const double fraction = std::clamp(progress.fraction, 0.0, 1.0);
  const double done = fraction - progress.begun_at;
  std::string line = fmt::format("{}  {} {:3.0f} %", label, bar(fraction), fraction * 100);
  if (done >= kEtaFromFraction && fraction < 1)
    line += fmt::format("  {} left", format_seconds(progress.elapsed_s / done * (1 - fraction)));
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
  const double fraction = total == 0 ? 0 : static_cast<double>(done) / static_cast<double>(total);
  if (begun_at_ < 0) begun_at_ = fraction;
  if (!visible_ || now - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = now;
  const double elapsed_s = std::chrono::duration<double>(now - started_).count();
  print_error_text(std::string(kClearLine) + progress_line(label_, {fraction, begun_at_, elapsed_s},
                                                           detail, terminal_columns()));
}

}  // namespace hearth::cli
