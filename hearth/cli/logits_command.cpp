// `hearth logits`: the raw numbers behind a prediction, for comparing engines.
#include "hearth/llm/logits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "hearth/base/error.h"
#include "hearth/cli/command_list.h"
#include "hearth/cli/paths.h"
#include "hearth/cli/reports.h"
#include "hearth/cli/shared_options.h"
#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

constexpr size_t kTopShown = 5;

LogitsReport read_logits(const Args& args) {
  const llm::LogitsOptions options = {.kv_type = kv_type_from(args),
                                      .one_by_one = args.has("--one-by-one")};
  const int threads = threads_from(args);
  const auto typed = args.integers("--tokens", 0, std::numeric_limits<int32_t>::max());
  const std::vector<int32_t> ids(typed.begin(), typed.end());
  if (ids.empty())
    throw Error(Errc::invalid_argument, "logits: --tokens is missing, e.g. --tokens 1,5,9");
  const auto chosen = args.integers("--at", 0, static_cast<int64_t>(ids.size()) - 1);
  std::vector<int> at(chosen.begin(), chosen.end());
  if (at.empty()) {
    at.resize(ids.size());
    std::iota(at.begin(), at.end(), 0);
  }
  std::sort(at.begin(), at.end());
  at.erase(std::unique(at.begin(), at.end()), at.end());  // positions are keys of the JSON

  const formats::Gguf file = formats::Gguf::open(find_model(args.required("FILE")).file);
  const auto model = llm::Model::load(file, {.context = static_cast<int>(ids.size())});
  ThreadPool pool(threads);
  auto values = llm::raw_logits(*model, ids, at, options, pool);
  LogitsReport report;
  for (size_t i = 0; i < at.size(); ++i) report.logits.emplace_back(at[i], std::move(values[i]));
  return report;
}

// The largest few, as "id value"; not-a-number last.
std::string top_text(const std::vector<float>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto key = [&](size_t id) {
    return std::isnan(values[id]) ? -std::numeric_limits<float>::infinity() : values[id];
  };
  const size_t shown = std::min(kTopShown, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(),
                    [&](size_t a, size_t b) { return key(a) > key(b); });
  std::string text;
  for (size_t i = 0; i < shown; ++i)
    text += fmt::format("{}{} ({:.4f})", i > 0 ? "  " : "", order[i], values[order[i]]);
  return text;
}

int run_logits(const Args& args) {
  const LogitsReport report = read_logits(args);
  if (args.has("--json")) {
    print(to_json(report) + "\n");
    return 0;
  }
  Table table({{"POSITION", Align::right}, {"LARGEST LOGITS"}});
  for (const auto& [position, values] : report.logits)
    table.row({fmt::format("{}", position), top_text(values)});
  print(table.text());
  return 0;
}

constexpr Positional kPositionals[] = {
    {.name = "FILE", .help = "A GGUF file, or the name of a model"},
};
constexpr Option kOptions[] = {
    {"--tokens", "IDS", "Token ids, separated by commas, exactly as the model gets them"},
    {"--at", "POSITIONS",
     "Positions, counted from 0, after which to print the logits; without it all"},
    kKvOption,
    {"--one-by-one", "", "Decode token by token instead of prefilling in one batch"},
    kThreadsOption,
    {"--json", "", "All of them, nine digits each: {\"logits\":{\"0\":[…]}}; not-a-number as null"},
};
constexpr std::string_view kExamples[] = {
    "hearth logits tales --tokens 1,5,9",
    "hearth logits model.gguf --tokens 1,5,9 --at 2 --kv f32 --one-by-one --json",
};

}  // namespace

const Command kLogitsCommand = {
    .name = "logits",
    .summary = "Print the raw logits after given tokens, for comparing engines",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .run = run_logits,
};

}  // namespace hearth::cli
