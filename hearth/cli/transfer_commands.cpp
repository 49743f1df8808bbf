// `hearth pull`, `push`, `create`: models that come, go, and are made, with a bar while it takes.
#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "hearth/base/error.h"
#include "hearth/base/units.h"
#include "hearth/cli/api_connection.h"
#include "hearth/cli/command_list.h"
#include "hearth/cli/interrupt.h"
#include "hearth/cli/progress.h"
#include "hearth/cli/reports.h"
#include "hearth/cli/shared_options.h"
#include "hearth/cli/terminal.h"
#include "hearth/serve/client/create.h"

namespace hearth::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kModelfileBytesMax = 16 << 20;
constexpr double kSpeedAfterS = 0.5;  // before that a speed is noise

// Steps as they come: lines of JSON, or a bar for each transfer and a line for each other status.
class StepPrinter {
 public:
  explicit StepPrinter(bool json) : json_(json) {}

  void operator()(const serve::TransferStep& step) {
    watch_.check();
    if (json_) return print(to_json(step) + "\n");
    if (step.status != status_) begin(step);
    if (bar_) bar_->update(step.done_bytes, step.total_bytes, detail(step));
  }
  /// For a request that waits: trips on Ctrl-C.
  std::stop_token stop() const { return stop_; }
  /// Whatever ended the request: Ctrl-C goes before its error.
  void check() const { watch_.check(); }

 private:
  void begin(const serve::TransferStep& step) {
    bar_.reset();
    status_ = step.status;
    begun_ = Clock::now();
    begun_bytes_ = step.done_bytes;
    if (step.total_bytes > 0)
      bar_.emplace(status_);
    else
      print_hint(status_);
  }

  // "1.2 GiB of 4.7 GiB, 88.1 MiB/s"; bytes that were there before the start count for no speed.
  std::string detail(const serve::TransferStep& step) const {
    std::string text =
        fmt::format("{} of {}", format_bytes(step.done_bytes), format_bytes(step.total_bytes));
    const double elapsed_s = std::chrono::duration<double>(Clock::now() - begun_).count();
    if (elapsed_s < kSpeedAfterS || step.done_bytes <= begun_bytes_) return text;
    const double bytes_per_s = static_cast<double>(step.done_bytes - begun_bytes_) / elapsed_s;
    return text + fmt::format(", {}/s", format_bytes(static_cast<uint64_t>(bytes_per_s)));
  }

  bool json_;
  InterruptWatch watch_;
  std::stop_token stop_ = watch_.arm();
  std::string status_;
  std::optional<ProgressBar> bar_;
  Clock::time_point begun_{};
  uint64_t begun_bytes_ = 0;
};

// Runs `transfer(printer)`. Ctrl-C ends it cleanly: what was loaded stays and a second try goes on.
template <class Transfer>
int run_transfer(const Args& args, Transfer&& transfer) {
  StepPrinter printer(args.has("--json"));
  try {
    transfer(printer);
  } catch (const Error&) {
    printer.check();
    throw;
  }
  return 0;
}

int run_pull(const Args& args) {
  const std::unique_ptr<serve::Api> api = open_api();
  return run_transfer(args, [&](StepPrinter& printer) {
    serve::pull_model(*api, args.required("MODEL"), args.has("--insecure"), printer,
                      printer.stop());
  });
}

int run_push(const Args& args) {
  const std::unique_ptr<serve::Api> api = open_api();
  return run_transfer(args, [&](StepPrinter& printer) {
    serve::push_model(*api, args.required("MODEL"), args.has("--insecure"), printer,
                      printer.stop());
  });
}

int run_create(const Args& args) {
  const fs::path path = args.text("--file", "Modelfile");
  const std::string name = args.required("MODEL");
  std::error_code ignored;
  if (!args.has("--file") && !fs::exists(path, ignored))
    throw Error(Errc::not_found,
                "no Modelfile in this folder: --file names another; see: hearth create --help");
  serve::CreateFrom from;
  from.file = store::parse_modelfile(read_file(path, kModelfileBytesMax), path.string());
  from.folder = path.parent_path().empty() ? fs::path(".") : path.parent_path();
  from.quantize = args.text("--quantize");
  const std::unique_ptr<serve::Api> api = open_api();
  return run_transfer(args, [&](StepPrinter& printer) {
    serve::create_model(*api, name, from, printer, printer.stop());
  });
}

constexpr Option kTransferOptions[] = {
    {"--insecure", "", "Speak http, without encryption, also to a registry on another machine"},
    {"--json", "", "One JSON object a line for each step"},
};
constexpr Positional kPullPositionals[] = {
    {.name = "MODEL",
     .help = "llama3.2, llama3.2:1b, USER/MODEL, HOST/USER/MODEL:TAG or hf.co/USER/REPO:QUANT"},
};
constexpr std::string_view kPullExamples[] = {
    "hearth pull llama3.2:1b",
    "hearth pull hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M",
    "hearth pull 10.0.0.7:5000/team/model --insecure",
};
constexpr Positional kPushPositionals[] = {
    {.name = "MODEL", .help = "A model of the store, named after where it goes"},
};
constexpr std::string_view kPushExamples[] = {
    "hearth cp my-llama localhost:5000/team/my-llama",
    "hearth push localhost:5000/team/my-llama",
};
constexpr Positional kCreatePositionals[] = {
    {.name = "MODEL", .help = "The name of the model to make"},
};
constexpr Option kCreateOptions[] = {
    {"--file", "PATH", "The Modelfile (Modelfile)"},
    {"--quantize", "TYPE", "Rewrite F16, BF16 or F32 weights in this type: Q4_K_M, Q8_0, …"},
    {"--json", "", "One JSON object a line for each step"},
};
constexpr std::string_view kCreateExamples[] = {
    "printf 'FROM ./model.gguf\\nSYSTEM You are a pirate.\\n' > Modelfile && hearth create pirate",
    "hearth create small --file big.Modelfile --quantize Q4_K_M",
};

}  // namespace

const Command kPullCommand = {
    .name = "pull",
    .summary = "Fetch a model from a registry into the store",
    .details =
        "What was fetched before an interruption is kept: the same command goes on with it. "
        "Every file is held against its digest. Private models need a login where hearth serve "
        "runs: registries.json in Hearth's folder, mode 600, as podman login --authfile writes it, "
        "or for Hugging Face the variable HF_TOKEN.",
    .positionals = kPullPositionals,
    .options = kTransferOptions,
    .examples = kPullExamples,
    .run = run_pull,
};
const Command kPushCommand = {
    .name = "push",
    .summary = "Send a model to a registry",
    .details = "",
    .positionals = kPushPositionals,
    .options = kTransferOptions,
    .examples = kPushExamples,
    .run = run_push,
};
const Command kCreateCommand = {
    .name = "create",
    .summary = "Make a model from a Modelfile",
    .details =
        "FROM names a model of the store, a GGUF file (or the first of its parts) or a folder with "
        "safetensors; "
        "PARAMETER, TEMPLATE, SYSTEM, MESSAGE, ADAPTER and LICENSE shape it.",
    .positionals = kCreatePositionals,
    .options = kCreateOptions,
    .examples = kCreateExamples,
    .run = run_create,
};

}  // namespace hearth::cli
