// The forward pass of encoders in float64, written from the papers: what models/encoder.h is held
// against. Test-only code. Reads the keys of the file itself.
#pragma once
#include <span>
#include <vector>

#include "hearth/formats/gguf.h"

namespace hearth::llm::float64 {

/// The last layer's output for one text, of which a second begins at `second_from` (0: none):
/// [ids][dim].
std::vector<std::vector<double>> encode(const formats::Gguf& file, std::span<const int32_t> ids,
                                        size_t second_from = 0);
/// What the head makes of a first token's output.
double score(const formats::Gguf& file, const std::vector<double>& first);

}  // namespace hearth::llm::float64
