// The vocabulary of random models. Test-only code.
#pragma once
#include "hearth/formats/gguf.h"

namespace hearth::llm {

/// Writes tokenizer.ggml.*: SPM, with BOS added and a space put in front.
void write_random_vocabulary(formats::GgufWriter& writer);

}  // namespace hearth::llm
