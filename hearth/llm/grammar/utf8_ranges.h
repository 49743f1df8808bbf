// Sets of characters as sequences of byte ranges in UTF-8, after Ken Thompson's range splitting
// (R. Cox, "Regular Expression Matching in the Wild", 2010, section on UTF-8).
#pragma once
#include <cstdint>
#include <vector>

#include "hearth/llm/grammar/grammar.h"

namespace hearth::llm {

/// Sorted, apart from each other, and without the surrogates D800 to DFFF; of the complement when
/// `negated`. The ranges must not be reversed or pass U+10FFFF.
std::vector<CodeRange> normalised(std::vector<CodeRange> ranges, bool negated);

/// One byte out of each set in turn, 1 to 4 sets.
using ByteSequence = std::vector<ByteSet>;

/// Sequences that together match the UTF-8 of exactly the characters of `ranges`, which are
/// normalised. No text is matched by two of them.
std::vector<ByteSequence> utf8_sequences(const std::vector<CodeRange>& ranges);

}  // namespace hearth::llm
