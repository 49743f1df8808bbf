#include "hearth/serve/engine/fill_in_middle.h"

#include <algorithm>
#include <string_view>

namespace hearth::serve {
namespace {

struct Names {
  std::string_view prefix, suffix, middle;
};

constexpr Names kKeys[] = {
    {"fim_pre_token_id", "fim_suf_token_id", "fim_mid_token_id"},
    {"prefix_token_id", "suffix_token_id", "middle_token_id"},
};

// Qwen and CodeGemma; StarCoder; Granite; DeepSeek Coder (its "hole" stands before the suffix);
// Code Llama.
constexpr Names kSpellings[] = {
    {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"},
    {"<fim_prefix>", "<fim_suffix>", "<fim_middle>"},
    {"<fim-prefix>", "<fim-suffix>", "<fim-middle>"},
    {"<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"},
    {"▁<PRE>", "▁<SUF>", "▁<MID>"},
};

template <class Find>
std::optional<FillInMiddle> find_all(const Names& names, Find find) {
  const std::optional<int32_t> prefix = find(names.prefix), suffix = find(names.suffix),
                               middle = find(names.middle);
  if (!prefix || !suffix || !middle) return std::nullopt;
  return FillInMiddle{*prefix, *suffix, *middle};
}

// `find` gives the id of a spelling.
template <class Find>
std::optional<FillInMiddle> find_in(const formats::Gguf& file, uint64_t vocab_size, Find find) {
  const auto by_key = [&](std::string_view key) -> std::optional<int32_t> {
    const auto id = file.try_u64("tokenizer.ggml." + std::string(key));
    if (!id || *id >= vocab_size) return std::nullopt;
    return static_cast<int32_t>(*id);
  };
  for (const Names& names : kKeys)
    if (const auto found = find_all(names, by_key)) return found;
  for (const Names& names : kSpellings)
    if (const auto found = find_all(names, find)) return found;
  return std::nullopt;
}

}  // namespace

std::vector<int32_t> FillInMiddle::ids(std::span<const int32_t> before,
                                       std::span<const int32_t> after) const {
  std::vector<int32_t> ids = {prefix};
  ids.insert(ids.end(), before.begin(), before.end());
  ids.push_back(suffix);
  ids.insert(ids.end(), after.begin(), after.end());
  ids.push_back(middle);
  return ids;
}

std::optional<FillInMiddle> find_fill_in_middle(const formats::Gguf& file,
                                                const llm::Tokenizer& tokenizer) {
  return find_in(file, static_cast<uint64_t>(tokenizer.vocab_size()),
                 [&](std::string_view spelling) { return tokenizer.find(spelling); });
}

std::optional<FillInMiddle> find_fill_in_middle(const formats::Gguf& file) {
  const formats::GgufValue* value = file.find("tokenizer.ggml.tokens");
  const auto* list = value ? std::get_if<formats::GgufArray>(value) : nullptr;
  const auto* tokens = list ? std::get_if<std::vector<std::string>>(&list->items) : nullptr;
  if (!tokens) return std::nullopt;
  return find_in(file, tokens->size(), [&](std::string_view spelling) -> std::optional<int32_t> {
    const auto found = std::find(tokens->begin(), tokens->end(), spelling);
    if (found == tokens->end()) return std::nullopt;
    return static_cast<int32_t>(found - tokens->begin());
  });
}

}  // namespace hearth::serve
