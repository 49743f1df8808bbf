#include "hearth/cli/serving.h"

#include <deque>
#include <string>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/cli/paths.h"

namespace hearth::cli {
namespace {

std::string option_name(const serve::ServeSetting& setting) {
  return fmt::format("--{}", setting.name);
}

}  // namespace

std::span<const Option> serve_command_options() {
  static std::deque<std::string> names;  // which the options point into
  static const std::vector<Option> options = [] {
    std::vector<Option> list;
    for (const serve::ServeSetting& setting : serve::serve_settings())
      list.push_back({names.emplace_back(option_name(setting)), setting.value, setting.help});
    return list;
  }();
  return options;
}

serve::ServeOptions serve_options() {
  const std::optional<fs::path> home = home_folder();
  if (!home)
    throw Error(Errc::not_found,
                "no folder for Hearth's own files: neither HEARTH_HOME nor HOME is set");
  serve::ServeOptions options = serve::options_from_environment(*home);
  if (const auto model = try_find_model(std::string(kBuiltInModel))) options.built_in = model->file;
  return options;
}

serve::ServeOptions serve_options(const Args& args) {
  serve::ServeOptions options = serve_options();
  // A list that the command line gives replaces that of the environment.
  if (args.has("--host")) options.listen.clear();
  for (const serve::ServeSetting& setting : serve::serve_settings()) {
    const std::string name = option_name(setting);
    for (const std::string& text : args.texts(name)) {
      try {
        setting.set(options, text);
      } catch (const Error& error) {
        throw error.with_context(name);
      }
    }
  }
  return options;
}

fs::path program_path() { return fs::read_symlink("/proc/self/exe"); }

}  // namespace hearth::cli
