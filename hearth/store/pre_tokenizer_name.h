// The name by which GGUF files call a pre-tokeniser (`tokenizer.ggml.pre`), recognised from
// tokenizer.json.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

namespace hearth::store {

/// `pre_tokenizer` and `model` as tokenizer.json has them. Nothing when the stages are none that
/// has a name: the text would be cut differently from what the model was trained with.
std::optional<std::string_view> try_pre_tokenizer_name(const nlohmann::json& pre_tokenizer,
                                                       bool ignore_merges);

}  // namespace hearth::store
