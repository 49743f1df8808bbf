// `hearth quantize` and `hearth import`: new model files from old ones, each whole or not at all.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>

#include "hearth/base/units.h"
#include "hearth/cli/command_list.h"
#include "hearth/cli/interrupt.h"
#include "hearth/cli/nearest.h"
#include "hearth/cli/paths.h"
#include "hearth/cli/progress.h"
#include "hearth/cli/reports.h"
#include "hearth/cli/shared_options.h"
#include "hearth/cli/terminal.h"
#include "hearth/store/hugging_face_import.h"
#include "hearth/store/quantize_model.h"

namespace hearth::cli {
namespace {

// Ctrl-C unwinds through the writer, which removes its unfinished file.
class WatchedProgress {
 public:
  explicit WatchedProgress(std::string label) : bar_(std::move(label)) {}

  void operator()(const store::RewriteProgress& progress) {
    watch_.check();
    bar_.update(progress.done_bytes, progress.total_bytes, progress.tensor);
  }
  double elapsed_s() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }

 private:
  InterruptWatch watch_;
  ProgressBar bar_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

store::QuantizeRecipe parse_recipe(std::string_view name) {
  if (const auto recipe = store::try_quantize_recipe(name)) return *recipe;
  std::vector<std::string_view> names;
  for (const store::QuantizeRecipe& recipe : store::quantize_recipes())
    names.push_back(recipe.name);
  throw Error(Errc::invalid_argument, "unknown type '{}': must be one of {}{}", name,
              fmt::join(names, ", "), did_you_mean(name, names));
}

formats::TensorType parse_type(std::string_view name) {
  const auto type = formats::try_tensor_type(name);
  if (type && formats::info(*type).can_quantize) return *type;
  std::vector<std::string_view> names;
  for (const formats::TensorTypeInfo& row : formats::tensor_types())
    if (row.can_quantize) names.push_back(row.name);
  throw Error(Errc::invalid_argument, "--type: '{}' is not one of {}{}", name,
              fmt::join(names, ", "), did_you_mean(name, names));
}

std::string fallback_note(const store::TypeFallback& fallback) {
  return fmt::format("{} is {}: its rows of {} are not a multiple of the block of {}",
                     fallback.tensor, formats::info(fallback.used).name, fallback.cols,
                     formats::info(fallback.wanted).name);
}

void print_report(const Args& args, const RewriteReport& report, std::string_view summary) {
  if (args.has("--json")) return print(to_json(report) + "\n");
  print(fmt::format("{}\n", summary));
  for (const std::string& note : report.notes) print(fmt::format("note: {}\n", note));
}

int run_quantize(const Args& args) {
  const store::QuantizeRecipe recipe = parse_recipe(args.required("TYPE"));
  const formats::Gguf in = formats::Gguf::open(find_model(args.required("IN")).file);
  const std::string out = args.required("OUT");
  RewriteReport report{.from = in.name(), .to = out, .type = std::string(recipe.name)};
  {
    WatchedProgress progress(fmt::format("quantizing to {}", recipe.name));
    const store::QuantizeReport done =
        store::quantize_model(in, out, recipe, {.threads = threads_from(args)}, progress);
    report.before_bytes = done.before_bytes;
    report.after_bytes = done.after_bytes;
    report.tensors_converted = done.tensors_converted;
    report.tensors_kept = done.tensors_kept;
    for (const store::TypeFallback& fallback : done.fallbacks)
      report.notes.push_back(fallback_note(fallback));
    report.seconds = progress.elapsed_s();
  }
  print_report(
      args, report,
      fmt::format("{}: {} → {} in {}, {} tensors converted, {} kept", out,
                  format_bytes(report.before_bytes), format_bytes(report.after_bytes),
                  format_seconds(report.seconds), report.tensors_converted, report.tensors_kept));
  return 0;
}

int run_import(const Args& args) {
  const std::string folder = args.required("FOLDER"), out = args.required("OUT");
  const formats::TensorType type = parse_type(args.text("--type", "F16"));
  RewriteReport report{.from = folder, .to = out, .type = std::string(formats::info(type).name)};
  store::ImportReport done;
  {
    WatchedProgress progress(fmt::format("importing as {}", report.type));
    done = store::import_hugging_face(
        folder, out, {.matrix_type = type, .threads = threads_from(args)}, progress);
    report.seconds = progress.elapsed_s();
  }
  report.after_bytes = done.written_bytes;
  report.tensors_converted = done.tensors;
  report.notes = done.notes;
  print_report(args, report,
               fmt::format("{}: {} ({}), {} parameters, {} in {}", out, done.name,
                           done.architecture, format_count(done.parameters),
                           format_bytes(done.written_bytes), format_seconds(report.seconds)));
  return 0;
}

constexpr Positional kQuantizePositionals[] = {
    {.name = "IN", .help = "A GGUF file, or the name of a model"},
    {.name = "OUT", .help = "The file to write; it appears whole or not at all"},
    {.name = "TYPE", .help = "Q4_0, Q8_0, Q4_K, Q4_K_M, F16, …: a wrong one lists them all"},
};
constexpr Option kQuantizeOptions[] = {kThreadsOption, kJsonOption};
constexpr std::string_view kQuantizeExamples[] = {
    "hearth quantize model-f16.gguf model-q4.gguf Q4_K_M",
    "hearth quantize tales tales-q4.gguf Q4_0",
};

constexpr Positional kImportPositionals[] = {
    {.name = "FOLDER", .help = "A Hugging Face folder: config.json, tokenizer and *.safetensors"},
    {.name = "OUT", .help = "The GGUF file to write; it appears whole or not at all"},
};
constexpr Option kImportOptions[] = {
    {"--type", "TYPE", "Type of the matrices (F16)"}, kThreadsOption, kJsonOption};
constexpr std::string_view kImportExamples[] = {
    "hearth import ./Qwen3-0.6B qwen3.gguf",
    "hearth import ./Qwen3-0.6B qwen3-q8.gguf --type Q8_0",
};

}  // namespace

const Command kQuantizeCommand = {
    .name = "quantize",
    .summary = "Rewrite a model file in another type",
    .details =
        "A plain type name makes every matrix that type; a name with _S, _M or _L is a mix that "
        "keeps the most sensitive matrices more precise.",
    .positionals = kQuantizePositionals,
    .options = kQuantizeOptions,
    .examples = kQuantizeExamples,
    .run = run_quantize,
};

const Command kImportCommand = {
    .name = "import",
    .summary = "Make one GGUF file of a Hugging Face model folder",
    .positionals = kImportPositionals,
    .options = kImportOptions,
    .examples = kImportExamples,
    .run = run_import,
};

}  // namespace hearth::cli
