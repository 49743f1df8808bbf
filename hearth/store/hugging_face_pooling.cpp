#include "hearth/store/hugging_face_pooling.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hearth/base/error.h"
#include "hearth/store/json_object.h"

namespace hearth::store {
namespace {

using nlohmann::json;

// The numbers of {a}.pooling_type (llama.cpp, gguf-py/gguf/constants.py).
constexpr uint64_t kRank = 4;

struct PoolingMode {
  std::string_view flag;  // of the pooling module
  uint64_t type;          // 0: engines do not compute it
};
// sentence-transformers, models/Pooling.py
constexpr PoolingMode kModes[] = {{"pooling_mode_mean_tokens", 1},
                                  {"pooling_mode_cls_token", 2},
                                  {"pooling_mode_lasttoken", 3},
                                  {"pooling_mode_max_tokens", 0},
                                  {"pooling_mode_mean_sqrt_len_tokens", 0},
                                  {"pooling_mode_weightedmean_tokens", 0}};

uint64_t read_mode(const fs::path& path) {
  const json parsed = read_json(path);
  const JsonObject config(parsed, path.string());
  std::optional<uint64_t> found;
  for (const PoolingMode& mode : kModes) {
    if (!config.try_bool(mode.flag).value_or(false)) continue;
    // Several at once would be vectors behind each other.
    if (mode.type == 0 || found)
      throw Error(Errc::unsupported, "{}: '{}': one of mean, first or last token is pooled",
                  config.where(), mode.flag);
    found = mode.type;
  }
  if (!found) throw Error(Errc::corrupt_data, "{}: no pooling_mode_* is true", config.where());
  return *found;
}

// "sentence_transformers.models.Pooling" and its later spellings end in the same name.
std::string module_name(const JsonObject& module) {
  const std::string type = module.string("type");
  return type.substr(type.rfind('.') + 1);
}

// A path that stays inside the folder.
fs::path module_path(const JsonObject& module) {
  const fs::path path = module.string("path");
  if (path.empty() || path.is_absolute() || std::ranges::count(path, fs::path("..")) > 0)
    throw Error(Errc::corrupt_data, "{}: 'path' is '{}', not a folder inside the model's",
                module.where(), path.string());
  return path;
}

}  // namespace

void read_pooling(const fs::path& folder, HuggingFaceConfig& config) {
  if (config.scores_pairs) {
    config.pooling = kRank;
    return;
  }
  const fs::path list = folder / "modules.json";
  if (!fs::exists(list)) return;
  const json modules = read_json(list);
  if (!modules.is_array())
    throw Error(Errc::corrupt_data, "{}: not a list of modules", list.string());
  for (const json& entry : modules) {
    const JsonObject module(entry, list.string());
    const std::string name = module_name(module);
    if (name == "Pooling")
      config.pooling = read_mode(folder / module_path(module) / "config.json");
    else if (name != "Transformer" && name != "Normalize")
      throw Error(Errc::unsupported,
                  "{}: module '{}', known are Transformer, Pooling and Normalize", list.string(),
                  name);
  }
}

}  // namespace hearth::store
