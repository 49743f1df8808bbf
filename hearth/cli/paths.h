// Where Hearth's own files lie, and what a user means by MODEL.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/files.h"

namespace hearth::cli {

/// The name of the model that comes with Hearth.
inline constexpr std::string_view kBuiltInModel = "tales";

struct FoundModel {
  fs::path file;
  std::string name;  // what the user calls it: "tales", or the path as typed
};

/// Folders that may hold models, those that exist, best first: $HEARTH_MODELS, those beside the
/// program (of a build tree and of an installation), and that of the source tree it was built from.
std::vector<fs::path> model_folders();
/// Names of the models in those folders, sorted.
std::vector<std::string> model_names();

/// `word` as a file, or as the name of a model ("tales", "tales.gguf"); nothing when it is neither.
std::optional<FoundModel> try_find_model(const std::string& word);
/// The same. Errors: not_found naming the word and what there is, ending in `advice` where no name
/// is near; invalid_argument for a folder.
FoundModel find_model(const std::string& word, std::string_view advice = "");
/// True for words with spaces between them that are neither a file, a folder nor a model: people
/// leave the model out and begin with the prompt.
bool is_prompt(const std::string& words);

/// The folder of Hearth's own files: $HEARTH_HOME; for root /var/lib/hearth, that of the system's
/// service, where it exists; $XDG_DATA_HOME/hearth; ~/.local/share/hearth; for root without a home
/// /var/lib/hearth. It need not exist. Nothing when there is none of these.
std::optional<fs::path> home_folder();
/// A file in it. Errors: not_found (there is no such folder).
fs::path state_file(std::string_view name);

}  // namespace hearth::cli
