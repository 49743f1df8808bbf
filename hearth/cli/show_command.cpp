// `hearth show`: what a model file is, without loading it.
#include "hearth/cli/command_list.h"
#include "hearth/cli/paths.h"
#include "hearth/cli/shared_options.h"
#include "hearth/cli/show_report.h"
#include "hearth/cli/show_text.h"
#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

int run_show(const Args& args) {
  const formats::Gguf file = formats::Gguf::open(find_model(args.required("FILE")).file);
  const ShowReport report = make_show_report(
      file, {.tensors = args.has("--tensors"), .metadata = args.has("--metadata")});
  if (args.has("--json")) {
    print(to_json(report) + "\n");
    return 0;
  }
  if (args.has("--template")) {
    if (!report.chat_template)
      throw Error(Errc::not_found, "{}: the model has no chat template", report.file);
    print_foreign(*report.chat_template + "\n");
    return 0;
  }
  std::string text = report.file + "\n" + facts_text(report);
  text += "\nWeights\n" + groups_text(report) + "\nTemplate\n" + template_text(report);
  if (args.has("--tensors")) text += "\nTensors\n" + tensors_text(report);
  if (args.has("--metadata")) text += "\nMetadata\n" + metadata_text(report);
  print_foreign(text);
  return 0;
}

constexpr Positional kPositionals[] = {
    {.name = "FILE", .help = "A GGUF file, or the name of a model"},
};
constexpr Option kOptions[] = {
    {"--tensors", "", "List every tensor with type, shape and bytes"},
    {"--metadata", "",
     "List every metadata value; long ones are cut in the text, whole in the JSON"},
    {"--template", "", "Print the whole chat template and nothing else"},
    kJsonOption,
};
constexpr std::string_view kExamples[] = {
    "hearth show tales",
    "hearth show model.gguf --tensors",
    "hearth show model.gguf --json | jq .groups",
};

}  // namespace

const Command kShowCommand = {
    .name = "show",
    .summary = "Say what a model file is: architecture, sizes, quantisation, template, licence",
    .details = "Works for every readable GGUF file, also for architectures that Hearth cannot run.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .run = run_show,
};

}  // namespace hearth::cli
