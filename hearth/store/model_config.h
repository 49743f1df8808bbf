// A model's config blob: what Ollama shows about a model without opening its weights.
//
// Source: Ollama, types/model/config.go.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/store/digest.h"

namespace hearth::formats {
class Gguf;
}

namespace hearth::store {

struct ModelConfig {
  std::string model_format;                 // "gguf"
  std::string model_family;                 // "qwen3": general.architecture
  std::vector<std::string> model_families;  // of all files of the model
  std::string model_type;                   // count of parameters: "8.0B"
  std::string file_type;                    // quantisation: "Q4_K_M"
  std::string renderer;                     // names one of Ollama's built-in prompt formats
  std::string parser;                       // names one of Ollama's built-in output formats
  std::string requires_version;             // of Ollama
  std::vector<std::string> capabilities;
  std::string source;  // the JSON that this was parsed from: print keeps its other fields
};

/// Parses a config; absent fields are empty. `where` names it in errors. Errors: corrupt_data
/// naming the field.
ModelConfig parse_model_config(std::string_view json, std::string_view where);
/// As JSON, with the digests of the model's layers as a root file system, which registries ask for.
/// Errors: invalid_argument (a text is not UTF-8, as a hostile file's architecture may be).
std::string print_model_config(const ModelConfig& config, std::span<const Digest> layers);

/// Format, family, count of parameters and quantisation of a model file. A file type that has no
/// name stays empty. Errors: corrupt_data (general.architecture is missing).
ModelConfig config_of(const formats::Gguf& file);

/// 8030261248 -> "8.0B", 1500000 -> "1.50M", 135000 -> "135K", 999 -> "999".
std::string format_parameter_count(uint64_t count);

}  // namespace hearth::store
