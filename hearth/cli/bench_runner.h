// The measurement behind `hearth bench`.
#pragma once
#include <vector>

#include "hearth/base/files.h"
#include "hearth/cli/reports.h"

namespace hearth::cli {

struct BenchOptions {
  int threads = 0;  // 0: one per usable core
  int repetitions = 5;
  int prompt_tokens = 512;  // cut to the model's context
  int predict_tokens = 96;  // cut to the model's context
};

/// Loads the model and measures, with a progress bar on a terminal. Ctrl-C throws Interrupted.
BenchReport run_bench(const fs::path& file, const BenchOptions& options);

/// Median, lowest and highest of at least one value; of an even count the mean of the middle two.
Spread spread_of(std::vector<double> values);

}  // namespace hearth::cli
