// The tokenizer's files of a model folder, each parsed once. For sources only: it brings in all of
// nlohmann-json.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "hearth/base/files.h"
#include "hearth/store/json_object.h"

namespace hearth::store {

/// A file of the folder, parsed, when it is there.
struct OptionalJson {
  explicit OptionalJson(fs::path file) : path(std::move(file)) {
    if (fs::exists(path)) value = read_json(path);
  }
  std::optional<JsonObject> object() const {
    if (!value) return std::nullopt;
    return JsonObject(*value, path.string());
  }
  fs::path path;
  std::optional<nlohmann::json> value;
};

/// The files of a model folder that say how it cuts text into tokens.
struct TokenizerFiles {
  explicit TokenizerFiles(const fs::path& folder)
      : path(folder),
        tokenizer(folder / "tokenizer.json"),
        config(folder / "tokenizer_config.json"),
        added(folder / "added_tokens.json"),
        generation(folder / "generation_config.json") {}
  fs::path path;
  OptionalJson tokenizer, config, added, generation;
};

}  // namespace hearth::store
