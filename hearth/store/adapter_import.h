// Imports a LoRA adapter as PEFT saves it (huggingface/peft: LoraConfig, LoraLayer): a folder
// becomes one GGUF file.
#pragma once
#include <cstdint>
#include <string>

#include "hearth/base/files.h"
#include "hearth/formats/gguf.h"

namespace hearth::store {

struct AdapterImportReport {
  size_t matrices = 0;  // that the adapter changes
  uint64_t written_bytes = 0;
};

/// Reads adapter_config.json and adapter_model.safetensors from `folder` and writes an adapter for
/// the model in `base`, as llama.cpp's convert_lora_to_gguf.py does: pairs NAME.lora_a [rank, in]
/// and NAME.lora_b [out, rank] in F32, NAME a matrix of `base`; for the llama architectures the
/// rows of B of Q and K go from halves to pairs, as those of the matrices did. The file appears
/// whole or not at all.
///
/// lora_alpha / r is what the adapter counts; with use_rslora lora_alpha / sqrt(r) (Kalajdzievski
/// 2023, arXiv:2312.03732), for which B is multiplied by sqrt(r).
///
/// Errors, each naming file and field or tensor: not_found (a file), corrupt_data (half of a pair,
/// shapes that do not fit `base`, numbers out of range), invalid_argument (a weight that is not
/// finite), unsupported (other methods than LoRA, DoRA, biases, modules saved whole, alphas that
/// differ by matrix, initialisations that change the base, a matrix or an architecture that Hearth
/// does not know).
AdapterImportReport import_adapter(const fs::path& folder, const formats::Gguf& base,
                                   const fs::path& out_path);

}  // namespace hearth::store
