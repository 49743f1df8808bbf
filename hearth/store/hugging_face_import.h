// Imports a Hugging Face model folder: config, tokenizer and safetensors become one GGUF file.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/files.h"
#include "hearth/formats/tensor_type.h"
#include "hearth/store/rewrite_progress.h"

namespace hearth::store {

struct ImportOptions {
  /// Type of the matrices; norms, biases and other 1-D tensors are F32. A row that is not a
  /// multiple of the type's block falls back as in quantize_model.h.
  formats::TensorType matrix_type = formats::TensorType::f16;
  int threads = 0;  // 0: as many as the machine has
};

struct ImportReport {
  std::string architecture;  // general.architecture of the result, e.g. "qwen3"
  std::string name;          // general.name: the folder's name
  uint64_t parameters = 0;
  uint64_t written_bytes = 0;  // size of the file
  size_t tensors = 0;
  std::vector<std::string>
      notes;  // what the user should know: tensors left out, fallbacks, guesses
};

/// True when `folder` looks like one: it has config.json and a *.safetensors file or index.
bool is_hugging_face_folder(const fs::path& folder);
/// `model_type` values of config.json that import_hugging_face knows.
std::span<const std::string_view> importable_model_types();

/// Reads config.json, tokenizer.json and/or tokenizer.model, tokenizer_config.json,
/// generation_config.json, chat_template.jinja and *.safetensors (one file, or shards through
/// model.safetensors.index.json) from `folder` and writes one GGUF v3 to `out_path`, whole or not
/// at all.
///
/// Families: llama and mistral (rows of Q and K permuted to the adjacent-pair rotation), qwen2,
/// qwen3, gemma2, gemma3 text (norm weights + 1), phi3 (longrope factors as tensors). Metadata
/// keys: GGUF specification and llama.cpp's gguf-py/gguf/constants.py.
///
/// Errors, each naming file and field: not_found (a file is missing), corrupt_data (a file breaks
/// its format, a tensor is missing or has another shape than config.json says), unsupported (model
/// type, quantised checkpoints, rope scaling, tokenizer kind or pre-tokeniser that Hearth does not
/// know), io_failure.
ImportReport import_hugging_face(const fs::path& folder, const fs::path& out_path,
                                 const ImportOptions& options, RewriteProgressFn progress);

}  // namespace hearth::store
