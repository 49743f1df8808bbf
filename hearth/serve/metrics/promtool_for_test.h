// Prometheus' own reader, where it is installed (Debian package `prometheus`).
#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "hearth/base/error.h"
#include "hearth/base/files.h"

namespace hearth::serve {

inline bool has_promtool() {
  return std::system("promtool --version >/dev/null 2>&1") == 0;  // NOLINT(concurrency-mt-unsafe)
}
inline constexpr const char* kNoPromtool = "no promtool here: it comes with the package prometheus";

struct PromtoolAnswer {
  int status = 0;  // 0: well formed and well named; 3: names that are unusual; 1: cannot be read
  std::string report;  // a line for each complaint
};

inline PromtoolAnswer check_with_promtool(const std::string& text) {
  const fs::path file = fs::temp_directory_path() / fmt::format("hearth-metrics-{}", ::getpid());
  fs::path report = file;
  report += ".report";
  AtomicFile out(file);
  out.write(text);
  out.commit();
  const std::string command =
      fmt::format("promtool check metrics <'{}' >'{}' 2>&1", file.string(), report.string());
  const int status = std::system(command.c_str());  // NOLINT(concurrency-mt-unsafe)
  PromtoolAnswer answer{WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(report)};
  fs::remove(file);
  fs::remove(report);
  return answer;
}

}  // namespace hearth::serve
