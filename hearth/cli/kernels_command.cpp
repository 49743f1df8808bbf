// `hearth kernels`: which implementation of each kernel runs on this CPU, and why not a better one.
#include <fmt/format.h>

#include <cstdlib>

#include "hearth/cli/command_list.h"
#include "hearth/cli/reports.h"
#include "hearth/cli/shared_options.h"
#include "hearth/cli/terminal.h"
#include "hearth/compute/cpu_features.h"
#include "hearth/compute/thread_pool.h"
#include "hearth/llm/kernels/attention.h"
#include "hearth/llm/kernels/elementwise.h"
#include "hearth/llm/kernels/matmul.h"

namespace hearth::cli {
namespace {

// Rows of one kernel stand together, best implementation first; the first that runs here is the one
// chosen.
void add_kernels(std::vector<KernelChoice>& kernels, std::span<const cpu::KernelRow> rows) {
  bool chosen = false;
  for (const cpu::KernelRow& row : rows) {
    if (kernels.empty() || kernels.back().kernel != row.kernel) {
      kernels.push_back({.kernel = std::string(row.kernel)});
      chosen = false;
    }
    const std::string why_not = cpu::why_not(row.needs);
    const bool takes_it = !chosen && why_not.empty();
    kernels.back().implementations.push_back({std::string(row.implementation), why_not, takes_it});
    chosen = chosen || takes_it;
  }
}

KernelsReport make_kernels_report() {
  KernelsReport report{
      .cpu = cpu::cpu_name(), .cores = usable_cores(), .features = cpu::describe(cpu::features())};
  const char* forced = std::getenv("HEARTH_CPU");
  if (forced && *forced) report.forced = forced;
  add_kernels(report.kernels, llm::matmul_kernels());
  add_kernels(report.kernels, llm::attention_kernels());
  add_kernels(report.kernels, llm::elementwise_kernels());
  return report;
}

std::string reason(const KernelChoice::Row& row) {
  if (row.chosen) return {};
  return fmt::format("{}: {}", row.name, row.why_not.empty() ? "slower" : row.why_not);
}

std::string kernels_text(const KernelsReport& report) {
  Table table({{"KERNEL"}, {"RUNS"}, {"PASSED OVER"}});
  for (const KernelChoice& kernel : report.kernels) {
    std::string chosen, others;
    for (const KernelChoice::Row& row : kernel.implementations) {
      if (row.chosen) chosen = row.name;
      const std::string why = reason(row);
      if (!why.empty()) others += (others.empty() ? "" : ", ") + why;
    }
    table.row({kernel.kernel, chosen, others});
  }
  std::string text =
      fmt::format("{}, {} usable cores: {}\n", report.cpu, report.cores, report.features);
  if (report.forced) text += fmt::format("HEARTH_CPU={} caps what is used\n", *report.forced);
  return text + "\n" + table.text();
}

int run_kernels(const Args& args) {
  const KernelsReport report = make_kernels_report();
  print(args.has("--json") ? to_json(report) + "\n" : kernels_text(report));
  return 0;
}

constexpr Option kOptions[] = {kJsonOption};
constexpr std::string_view kExamples[] = {
    "hearth kernels",
    "HEARTH_CPU=avx2 hearth kernels",
};

}  // namespace

const Command kKernelsCommand = {
    .name = "kernels",
    .summary =
        "List every kernel, the implementation this CPU gets, and why the others were passed over",
    .options = kOptions,
    .examples = kExamples,
    .run = run_kernels,
};

}  // namespace hearth::cli
