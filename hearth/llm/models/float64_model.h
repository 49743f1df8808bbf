// Every family's forward pass in float64, written from its paper: what the models are held against.
//
// Test-only code. All positions are computed at once from scratch: no cache, no batching, no
// quantised activations. Reads the keys of the file itself.
#pragma once
#include <span>
#include <vector>

#include "hearth/formats/gguf.h"

namespace hearth::llm::float64 {

/// Logits after each of `ids`, a sequence from position 0: [ids][vocab_size]. `context` as in
/// LoadOptions.
std::vector<std::vector<double>> logits(const formats::Gguf& file, std::span<const int32_t> ids,
                                        int context = 0);

}  // namespace hearth::llm::float64
