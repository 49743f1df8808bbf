// BERT's WordPiece: words by white space and punctuation, then the longest tokens from the left.
#pragma once
#include <memory>

#include "hearth/llm/tokenizer/vocabulary.h"

namespace hearth::llm {

class Tokenizer;

/// Errors: corrupt_data.
std::unique_ptr<Tokenizer> make_wpm(const TokenizerSpec& spec);

}  // namespace hearth::llm
