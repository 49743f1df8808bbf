// Characters as numbers, and sets of them.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "hearth/llm/grammar/grammar.h"

namespace hearth::serve {

/// The characters of `utf8`, which is valid.
std::u32string code_points(std::string_view utf8);

/// All characters but those in `ranges`, which may overlap.
std::vector<llm::CodeRange> complement(std::vector<llm::CodeRange> ranges);

/// `utf8` for a message: what passes 60 bytes is cut behind a whole character and becomes "...".
std::string shortened(std::string_view utf8);

}  // namespace hearth::serve
