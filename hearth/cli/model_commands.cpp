// `hearth list`, `ps`, `cp`, `rm`, `stop`: what is in the store, and what is loaded.
#include <fmt/format.h>

#include <chrono>

#include "hearth/base/error.h"
#include "hearth/base/units.h"
#include "hearth/cli/api_connection.h"
#include "hearth/cli/command_list.h"
#include "hearth/cli/reports.h"
#include "hearth/cli/shared_options.h"
#include "hearth/cli/terminal.h"
#include "hearth/cli/time_words.h"
#include "hearth/serve/client/models.h"

namespace hearth::cli {
namespace {

constexpr size_t kIdDigits = 12;  // of a digest: enough to tell models apart, as Ollama shows it

std::string short_id(const std::string& digest) { return digest.substr(0, kIdDigits); }

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

bool matches(const std::string& name, const std::string& prefix) {
  return name.compare(0, prefix.size(), prefix) == 0;
}

int run_list(const Args& args) {
  const std::unique_ptr<serve::Api> api = open_api();
  const std::string prefix = args.positional("PREFIX").value_or("");
  Table table({{"NAME"},
               {"ID"},
               {"SIZE", Align::right},
               {"PARAMETERS", Align::right},
               {"TYPE"},
               {"MODIFIED"}});
  const auto now = std::chrono::system_clock::now();
  for (const serve::ListedModel& model : serve::list_models(*api)) {
    if (!matches(model.name, prefix)) continue;
    if (args.has("--json")) {
      print(to_json(model) + "\n");
      continue;
    }
    table.row({model.name, short_id(model.digest), format_bytes(model.size_bytes),
               or_dash(model.parameter_size), or_dash(model.quantization_level),
               relative_time(model.modified, now)});
  }
  if (!args.has("--json")) print_foreign(table.text());
  return 0;
}

// "CPU", "GPU", or both with their shares.
std::string processor(const serve::RunningModel& model) {
  if (model.vram_bytes == 0) return "CPU";
  if (model.vram_bytes >= model.size_bytes) return "GPU";
  const double on_gpu = static_cast<double>(model.vram_bytes) / double(model.size_bytes);
  return fmt::format("{:.0f} %/{:.0f} % CPU/GPU", 100 * (1 - on_gpu), 100 * on_gpu);
}

int run_ps(const Args& args) {
  const std::unique_ptr<serve::Api> api = try_open_daemon();
  if (!api) {
    print_note(fmt::format("{}, so nothing is loaded", no_daemon_text()));
    return 0;
  }
  Table table({{"NAME"},
               {"ID"},
               {"MEMORY", Align::right},
               {"PROCESSOR"},
               {"CONTEXT", Align::right},
               {"UNLOADS"}});
  const auto now = std::chrono::system_clock::now();
  for (const serve::RunningModel& model : serve::running_models(*api)) {
    if (args.has("--json")) {
      print(to_json(model) + "\n");
      continue;
    }
    const std::string until = relative_time(model.expires, now);
    table.row({model.name, short_id(model.digest), format_bytes(model.size_bytes), processor(model),
               fmt::format("{}", model.context), until == "for ever" ? "never" : until});
  }
  if (!args.has("--json")) print_foreign(table.text());
  return 0;
}

int run_cp(const Args& args) {
  serve::copy_model(*open_api(), args.required("SOURCE"), args.required("DESTINATION"));
  print_hint(
      fmt::format("{} is now also {}", args.required("SOURCE"), args.required("DESTINATION")));
  return 0;
}

int run_rm(const Args& args) {
  const std::unique_ptr<serve::Api> api = open_api();
  std::vector<std::string> models = {args.required("MODEL")};
  for (const std::string& more : args.positionals("MORE")) models.push_back(more);
  for (const std::string& model : models) {
    serve::remove_model(*api, model);
    print_hint(fmt::format("removed {}", model));
  }
  return 0;
}

int run_stop(const Args& args) {
  const std::unique_ptr<serve::Api> api = try_open_daemon();
  if (!api)
    throw Error(Errc::unavailable, "{}, so nothing is loaded that could stop", no_daemon_text());
  serve::stop_model(*api, args.required("MODEL"));
  print_hint(fmt::format("{} is unloaded, or will be after its answers", args.required("MODEL")));
  return 0;
}

constexpr Option kListOptions[] = {kJsonOption};
constexpr Positional kListPositionals[] = {
    {.name = "PREFIX", .help = "Only names that begin so", .required = false}};
constexpr std::string_view kListExamples[] = {"hearth list", "hearth list llama --json"};
constexpr std::string_view kPsExamples[] = {"hearth ps", "hearth ps --json"};
constexpr Positional kCpPositionals[] = {
    {.name = "SOURCE", .help = "A model of the store"},
    {.name = "DESTINATION", .help = "Another name for it; the weights are not copied"}};
constexpr std::string_view kCpExamples[] = {"hearth cp llama3.2 my-llama"};
constexpr Positional kRmPositionals[] = {
    {.name = "MODEL", .help = "A model of the store"},
    {.name = "MORE", .help = "More of them", .required = false, .rest = true}};
constexpr std::string_view kRmExamples[] = {"hearth rm my-llama", "hearth rm one two three"};
constexpr Positional kStopPositionals[] = {{.name = "MODEL", .help = "A loaded model"}};
constexpr std::string_view kStopExamples[] = {"hearth stop llama3.2"};

}  // namespace

const Command kListCommand = {.name = "list",
                              .summary = "List the models of the store",
                              .details = "",
                              .positionals = kListPositionals,
                              .options = kListOptions,
                              .examples = kListExamples,
                              .run = run_list};
const Command kPsCommand = {.name = "ps",
                            .summary = "List the models that a daemon has loaded",
                            .details = "",
                            .positionals = {},
                            .options = kListOptions,
                            .examples = kPsExamples,
                            .run = run_ps};
const Command kCpCommand = {.name = "cp",
                            .summary = "Give a model another name",
                            .details = "",
                            .positionals = kCpPositionals,
                            .options = {},
                            .examples = kCpExamples,
                            .run = run_cp};
const Command kRmCommand = {.name = "rm",
                            .summary = "Remove models from the store",
                            .details = "Weights go when no other name needs them.",
                            .positionals = kRmPositionals,
                            .options = {},
                            .examples = kRmExamples,
                            .run = run_rm};
const Command kStopCommand = {.name = "stop",
                              .summary = "Unload a model when its answers under way have ended",
                              .details = "",
                              .positionals = kStopPositionals,
                              .options = {},
                              .examples = kStopExamples,
                              .run = run_stop};

}  // namespace hearth::cli
