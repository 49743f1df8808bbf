// `hearth perplexity`: how well a model predicts a text.
#include "hearth/llm/perplexity.h"

#include <fmt/format.h>

#include <chrono>

#include "hearth/base/units.h"
#include "hearth/cli/command_list.h"
#include "hearth/cli/interrupt.h"
#include "hearth/cli/paths.h"
#include "hearth/cli/progress.h"
#include "hearth/cli/reports.h"
#include "hearth/cli/shared_options.h"
#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

using Clock = std::chrono::steady_clock;

PerplexityReport measure(const formats::Gguf& file, const std::string& text,
                         llm::PerplexityOptions options) {
  const auto tokenizer = llm::Tokenizer::load(file);
  const auto model = llm::Model::load(file, {.context = options.context});
  const auto started = Clock::now();
  const InterruptWatch watch;
  ProgressBar bar("measuring");
  options.progress = [&](int64_t done, int64_t total) {
    watch.check();
    bar.update(static_cast<uint64_t>(done), static_cast<uint64_t>(total));
  };
  const llm::PerplexityResult result = llm::perplexity(*model, *tokenizer, text, options);
  return {.file = file.name(),
          .tokens = static_cast<uint64_t>(result.tokens),
          .nll_per_token = result.nll_per_token,
          .perplexity = result.perplexity,
          .windows = static_cast<uint64_t>(result.windows),
          .context = result.context,
          .seconds = std::chrono::duration<double>(Clock::now() - started).count()};
}

int run_perplexity(const Args& args) {
  llm::PerplexityOptions options;
  options.context = context_from(args);
  options.threads = threads_from(args);
  options.kv_type = kv_type_from(args);
  const formats::Gguf file = formats::Gguf::open(find_model(args.required("FILE")).file);
  const std::string text_file = args.required("TEXTFILE");
  PerplexityReport report = measure(file, read_file(text_file), options);
  report.text = text_file;
  if (args.has("--json")) {
    print(to_json(report) + "\n");
    return 0;
  }
  print(
      fmt::format("{} on {}: {:.4f} nats per token, perplexity {:.4f}\n"
                  "{} tokens in {} window(s) of {}, {} ({:.0f} tokens/s)\n",
                  report.file, report.text, report.nll_per_token, report.perplexity, report.tokens,
                  report.windows, report.context, format_seconds(report.seconds),
                  static_cast<double>(report.tokens) / report.seconds));
  return 0;
}

constexpr Positional kPositionals[] = {
    {.name = "FILE", .help = "A GGUF file, or the name of a model"},
    {.name = "TEXTFILE", .help = "The text to predict, taken byte for byte"},
};
constexpr Option kOptions[] = {
    {"--ctx", "N", "Tokens of a window; 0: the model's context, at most 8192 (0)"},
    kKvOption,
    kThreadsOption,
    kJsonOption,
};
constexpr std::string_view kExamples[] = {
    "hearth perplexity tales chapter.txt",
    "hearth perplexity model-q4.gguf wiki.test.raw --ctx 512 --json",
};

}  // namespace

const Command kPerplexityCommand = {
    .name = "perplexity",
    .summary =
        "Measure how well a model predicts a text: mean negative log-likelihood and perplexity",
    .details =
        "BOS first where the model has one, every token after it counted once, windows of the "
        "context length.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .run = run_perplexity,
};

}  // namespace hearth::cli
