// SentencePiece's BPE: neighbouring pieces merge while the result is a token, best score first.
#pragma once
#include <memory>

#include "hearth/llm/tokenizer/vocabulary.h"

namespace hearth::llm {

class Tokenizer;

/// Errors: corrupt_data.
std::unique_ptr<Tokenizer> make_spm(const TokenizerSpec& spec);

}  // namespace hearth::llm
