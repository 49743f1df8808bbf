// A model's configuration as GGUF metadata keys.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "hearth/formats/gguf.h"
#include "hearth/store/hugging_face_config.h"

namespace hearth::store {

using GgufKeys = std::vector<std::pair<std::string, formats::GgufValue>>;

/// {architecture}.* keys: sizes, attention, rotation. Names: llama.cpp, gguf-py/gguf/constants.py.
GgufKeys config_keys(const HuggingFaceConfig& config, uint64_t vocab_size);

/// general.sampling.* from FOLDER/generation_config.json where it is there and asks for sampling.
GgufKeys sampling_keys(const fs::path& folder);

}  // namespace hearth::store
