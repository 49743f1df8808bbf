#include "hearth/cli/paths.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>

#include "hearth/base/error.h"
#include "hearth/cli/nearest.h"

namespace hearth::cli {
namespace {

constexpr std::string_view kExtension = ".gguf";
constexpr const char* kServiceFolder = "/var/lib/hearth";

std::optional<fs::path> path_from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (!value || !*value) return std::nullopt;
  return fs::path(value);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) && !fs::is_directory(path, ignored);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

}  // namespace

std::vector<fs::path> model_folders() {
  std::vector<fs::path> candidates;
  if (const auto set = path_from_environment("HEARTH_MODELS")) candidates.push_back(*set);
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  if (!program.empty()) {
    candidates.push_back(program / "../../models");            // build/bin/hearth
    candidates.push_back(program / "../share/hearth/models");  // /usr/bin/hearth
  }
  candidates.push_back(fs::path(HEARTH_SOURCE_DIR) / "models");

  std::vector<fs::path> folders;
  for (const fs::path& candidate : candidates) {
    const fs::path folder = fs::weakly_canonical(candidate, ignored);
    if (is_folder(folder) && std::find(folders.begin(), folders.end(), folder) == folders.end())
      folders.push_back(folder);
  }
  return folders;
}

std::vector<std::string> model_names() {
  std::set<std::string> names;
  std::error_code ignored;
  for (const fs::path& folder : model_folders())
    for (const auto& entry : fs::directory_iterator(folder, ignored))
      if (entry.path().extension() == kExtension) names.insert(entry.path().stem());
  return {names.begin(), names.end()};
}

std::optional<FoundModel> try_find_model(const std::string& word) {
  if (is_file(word)) return FoundModel{word, word};
  if (word.empty() || word.find('/') != std::string::npos) return std::nullopt;
  for (const fs::path& folder : model_folders())
    for (const std::string& file : {word + std::string(kExtension), word})
      if (is_file(folder / file)) return FoundModel{folder / file, fs::path(file).stem()};
  return std::nullopt;
}

FoundModel find_model(const std::string& word, std::string_view advice) {
  if (const auto found = try_find_model(word)) return *found;
  if (is_folder(word))
    throw Error(Errc::invalid_argument,
                "{}: is a folder; hearth import makes a model file of a Hugging Face folder", word);
  if (word.find('/') != std::string::npos || word.ends_with(kExtension))
    throw Error(Errc::not_found, "{}: no such file", word);
  const std::vector<std::string> names = model_names();
  const std::vector<std::string_view> views(names.begin(), names.end());
  std::string ending = did_you_mean(word, views);
  if (ending.empty() && !advice.empty()) ending = fmt::format("; {}", advice);
  throw Error(Errc::not_found,
              "no model '{}': it is neither a file nor one of the models here ({}){}", word,
              fmt::join(names, ", "), ending);
}

bool is_prompt(const std::string& words) {
  const bool has_space = words.find_first_of(" \t\n") != std::string::npos;
  return has_space && !words.ends_with(kExtension) && !is_folder(words) && !try_find_model(words);
}

std::optional<fs::path> home_folder() {
  if (const auto set = path_from_environment("HEARTH_HOME")) return *set;
  const bool is_root = ::geteuid() == 0;
  if (is_root && is_folder(kServiceFolder)) return kServiceFolder;
  // The XDG base directory specification says to pass over a relative path.
  const auto data = path_from_environment("XDG_DATA_HOME");
  if (data && data->is_absolute()) return *data / "hearth";
  if (const auto home = path_from_environment("HOME")) return *home / ".local/share/hearth";
  if (is_root) return kServiceFolder;
  return std::nullopt;
}

fs::path state_file(std::string_view name) {
  const std::optional<fs::path> home = home_folder();
  if (!home)
    throw Error(Errc::not_found, "no folder for {}: neither HEARTH_HOME nor HOME is set", name);
  return *home / name;
}

}  // namespace hearth::cli
