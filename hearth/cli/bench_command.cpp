// `hearth bench`: how fast this machine runs a model, beside what the machine can do at all.
#include <fmt/format.h>

#include "hearth/base/units.h"
#include "hearth/cli/bench_runner.h"
#include "hearth/cli/command_list.h"
#include "hearth/cli/paths.h"
#include "hearth/cli/shared_options.h"
#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

constexpr int kPromptTokens = 512;
constexpr int kPredictTokens = 96;
constexpr int kTokensMax = 1 << 20;

std::string spread_text(const Spread& spread, std::string_view unit) {
  return fmt::format("{:.4g} {} ({:.4g}–{:.4g})", spread.median, unit, spread.low, spread.high);
}

std::string bench_text(const BenchReport& report) {
  std::string text =
      fmt::format("{}: {}, {} parameters, {}, {} a token\n{}, {} threads, loaded in {}\n\n",
                  report.file, report.architecture, format_count(report.parameters), report.types,
                  format_bytes(report.bytes_per_token), report.cpu, report.threads,
                  format_seconds(report.load_seconds));
  Table table({{""}, {"TOKENS", Align::right}, {"SPEED"}, {"RATE"}, {"OF THE PEAK"}});
  table.row({"prefill", fmt::format("{}", report.prompt_tokens),
             spread_text(report.prefill_tokens_per_s, "tokens/s"),
             spread_text(report.prefill_gops_per_s, "Gop/s"),
             spread_text(report.prefill_percent_of_peak, "%")});
  table.row({"decode", fmt::format("{}", report.predict_tokens),
             spread_text(report.decode_tokens_per_s, "tokens/s"),
             spread_text(report.decode_gb_per_s, "GB/s"),
             spread_text(report.decode_percent_of_peak, "%")});
  text += table.text();
  text += fmt::format(
      "\nMedian (lowest–highest) of {} repetitions. Peaks of this machine, measured between them:\n"
      "{} {}, memory {}.\n",
      report.repetitions, report.peak_arithmetic, spread_text(report.peak_gops_per_s, "Gop/s"),
      spread_text(report.peak_gb_per_s, "GB/s"));
  return text;
}

int run_bench(const Args& args) {
  const FoundModel model = find_model(args.required("FILE"));
  BenchOptions options;
  options.threads = threads_from(args);
  options.repetitions = static_cast<int>(args.integer("--repetitions", 5, 1, 1000));
  options.prompt_tokens = static_cast<int>(args.integer("--prompt", kPromptTokens, 1, kTokensMax));
  options.predict_tokens =
      static_cast<int>(args.integer("--predict", kPredictTokens, 1, kTokensMax));
  const BenchReport report = run_bench(model.file, options);
  if (report.prompt_tokens < options.prompt_tokens ||
      report.predict_tokens < options.predict_tokens)
    print_note(fmt::format("the model's context allows {} prompt tokens and {} predicted ones",
                           report.prompt_tokens, report.predict_tokens));
  print(args.has("--json") ? to_json(report) + "\n" : bench_text(report));
  return 0;
}

constexpr Positional kPositionals[] = {
    {.name = "FILE", .help = "A GGUF file, or the name of a model"},
};
constexpr Option kOptions[] = {
    {"--prompt", "N",
     "Tokens of the prompt that prefill processes; at most the model's context (512)"},
    {"--predict", "N", "Tokens decoded one by one; at most the model's context (96)"},
    {"--repetitions", "N", "How often each is measured (5)"},
    kThreadsOption,
    kJsonOption,
};
constexpr std::string_view kExamples[] = {
    "hearth bench tales",
    "hearth bench model.gguf --prompt 512 --predict 96 --json",
};

}  // namespace

const Command kBenchCommand = {
    .name = "bench",
    .summary = "Measure prefill and decode, and what share of this machine's peak they reach",
    .details =
        "Decode is compared with the memory bandwidth (bytes of weights a token needs, times "
        "tokens per second), prefill with the arithmetic peak (two operations for each parameter "
        "of "
        "the layers, times tokens per second). Both peaks are measured in the same run, in turn "
        "with the repetitions.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .run = run_bench,
};

}  // namespace hearth::cli
