// Byte-pair encoding after a pre-tokeniser: GPT-2's byte-level kind, and gemma4's over characters.
#pragma once
#include <memory>

#include "hearth/llm/tokenizer/vocabulary.h"

namespace hearth::llm {

class Tokenizer;

/// Errors: unsupported (pre-tokeniser), corrupt_data (merges missing or malformed).
std::unique_ptr<Tokenizer> make_bpe(const TokenizerSpec& spec);

}  // namespace hearth::llm
