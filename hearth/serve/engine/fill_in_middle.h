// The tokens with which a model is asked for what stands between two texts.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "hearth/formats/gguf.h"
#include "hearth/llm/tokenizer/tokenizer.h"

namespace hearth::serve {

/// Prefix, suffix, middle: "PSM" of Bavarian et al. 2022 (arXiv:2207.14255), the order that models
/// with such tokens were trained on.
struct FillInMiddle {
  int32_t prefix, suffix, middle;

  /// The prompt for what stands between `before` and `after`.
  std::vector<int32_t> ids(std::span<const int32_t> before, std::span<const int32_t> after) const;
};

/// By tokenizer.ggml.fim_pre_token_id, fim_suf_token_id and fim_mid_token_id, in older files
/// prefix_token_id, suffix_token_id and middle_token_id; by their known spellings where the file
/// names none. Nothing for a model without. Errors: corrupt_data (an id that is no number).
std::optional<FillInMiddle> find_fill_in_middle(const formats::Gguf& file,
                                                const llm::Tokenizer& tokenizer);
/// The same from the vocabulary as the file lists it, without the time that a tokenizer takes.
std::optional<FillInMiddle> find_fill_in_middle(const formats::Gguf& file);

}  // namespace hearth::serve
