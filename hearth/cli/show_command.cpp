// `hearth show`: what a model file is, without loading it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hearth/base/error.h"
#include "hearth/cli/api_connection.h"
#include "hearth/cli/command_list.h"
#include "hearth/cli/paths.h"
#include "hearth/cli/shared_options.h"
#include "hearth/cli/show_report.h"
#include "hearth/cli/show_text.h"
#include "hearth/cli/terminal.h"
#include "hearth/serve/client/models.h"

namespace hearth::cli {
namespace {

// Of a model of the store: what ollama's own show prints, one part or all.
struct ShownPart {
  std::string_view option;
  std::string serve::ShownModel::*text;
};
constexpr ShownPart kParts[] = {{"--modelfile", &serve::ShownModel::modelfile},
                                {"--parameters", &serve::ShownModel::parameters},
                                {"--template", &serve::ShownModel::template_text},
                                {"--system", &serve::ShownModel::system},
                                {"--license", &serve::ShownModel::license}};

std::string section(std::string_view title, const std::string& text) {
  return text.empty() ? "" : fmt::format("\n{}\n{}\n", title, text);
}

std::string overview(const std::string& name, const serve::ShownModel& model) {
  Table table({{""}, {""}});
  table.row({"architecture", model.family});
  table.row({"parameters", model.parameter_size});
  table.row({"quantisation", model.quantization_level});
  if (model.context_length) table.row({"context", fmt::format("{}", *model.context_length)});
  if (model.embedding_length) table.row({"embedding", fmt::format("{}", *model.embedding_length)});
  table.row({"can", fmt::format("{}", fmt::join(model.capabilities, ", "))});
  return name + "\n" + table.text("  ") + section("Parameters", model.parameters) +
         section("System", model.system) + section("Licence", model.license);
}

int show_stored(const Args& args, const std::string& name) {
  const serve::ShownModel model = serve::show_model(*open_api(), name, args.has("--metadata"));
  if (args.has("--json")) {
    print(model.json + "\n");
    return 0;
  }
  for (const ShownPart& part : kParts)
    if (args.has(part.option)) {
      print_foreign(model.*part.text + "\n");
      return 0;
    }
  print_foreign(overview(name, model));
  return 0;
}

// What nobody knows is told by the search among files, which lists what there is.
int show_stored_or_explain(const Args& args, const std::string& name) {
  try {
    return show_stored(args, name);
  } catch (const Error& error) {
    if (!is_unknown_model(error, name)) throw;
    find_model(name);
    throw;
  }
}

int run_show(const Args& args) {
  const std::string name = args.required("FILE");
  const std::optional<FoundModel> found = try_find_model(name);
  if (!found) return show_stored_or_explain(args, name);
  const formats::Gguf file = formats::Gguf::open(found->file);
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
    {.name = "FILE", .help = "A GGUF file, or a model of the store"},
};
constexpr Option kOptions[] = {
    {"--tensors", "", "List every tensor with type, shape and bytes"},
    {"--metadata", "",
     "List every metadata value; long ones are cut in the text, whole in the JSON"},
    {"--template", "", "Print the whole chat template and nothing else"},
    {"--modelfile", "", "Of a model of the store: print its Modelfile and nothing else"},
    {"--parameters", "", "Of a model of the store: print its parameters and nothing else"},
    {"--system", "", "Of a model of the store: print its system text and nothing else"},
    {"--license", "", "Of a model of the store: print its licence and nothing else"},
    kJsonOption,
};
constexpr std::string_view kExamples[] = {
    "hearth show tales",
    "hearth show model.gguf --tensors",
    "hearth show model.gguf --json | jq .groups",
    "hearth show llama3.2 --modelfile",
};

}  // namespace

const Command kShowCommand = {
    .name = "show",
    .summary = "Say what a model file is: architecture, sizes, quantisation, template, licence",
    .details =
        "Works for every readable GGUF file, also for architectures that Hearth cannot run, and "
        "for models of the store.",
    .positionals = kPositionals,
    .options = kOptions,
    .examples = kExamples,
    .run = run_show,
};

}  // namespace hearth::cli
