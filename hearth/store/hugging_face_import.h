// Imports a Hugging Face model folder: config, tokenizer and safetensors become one GGUF file.
#pragma once
#include <cstdint>
#include <string>
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

/// Reads config.json, tokenizer.json and/or tokenizer.model (or vocab.txt), tokenizer_config.json,
/// generation_config.json, chat_template.jinja and *.safetensors (one file, or shards through
/// model.safetensors.index.json) from `folder` and writes one GGUF v3 to `out_path`, whole or not
/// at all.
///
/// Families: llama and mistral (rows of Q and K permuted to the adjacent-pair rotation), qwen2,
/// qwen3, gemma2, gemma3 text (norm weights + 1), phi3 (longrope factors as tensors), bert and
/// nomic_bert (with sentence-transformers' modules.json; bert also with a head that scores pairs).
/// Metadata keys: GGUF specification and llama.cpp's gguf-py/gguf/constants.py.
///
/// Errors, each naming file and field: not_found (a file or a tensor is missing), invalid_argument
/// (a weight that is not finite; output over a file of the input), corrupt_data (a file breaks its
/// format, a tensor has another shape than config.json says), unsupported (model type, quantised
/// checkpoints, rope scaling, tokenizer kind, normaliser or pre-tokeniser that Hearth does not
/// know), io_failure.
ImportReport import_hugging_face(const fs::path& folder, const fs::path& out_path,
                                 const ImportOptions& options, RewriteProgressFn progress);

}  // namespace hearth::store
