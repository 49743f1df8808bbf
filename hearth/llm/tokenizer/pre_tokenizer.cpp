#include "hearth/llm/tokenizer/pre_tokenizer.h"

namespace hearth::llm {
namespace {

using Stages = std::array<Splitter, 6>;

constexpr Stages kDefault = {split_punctuation, split_gpt2, split_numbers, split_three_digits};
constexpr Stages kGpt2 = {split_gpt2};
constexpr Stages kDigitsGpt2 = {split_number, split_gpt2};
constexpr Stages kFalcon = {split_punctuation_or_backtick, split_gpt2, split_three_digits};
constexpr Stages kLlama3 = {split_llama3};
constexpr Stages kQwen2 = {split_qwen2};
constexpr Stages kGpt4o = {split_gpt4o};
constexpr Stages kBloom = {split_bloom};
constexpr Stages kDeepseekLlm = {
    split_newline,      split_spaced_cased_letters, split_spaced_wide_punctuation,
    split_final_spaces, split_cjk_and_hangul,       split_number};
constexpr Stages kDeepseekCoder = {split_newline, split_spaced_letters, split_spaced_punctuation,
                                   split_cjk_and_hangul, split_number};
constexpr Stages kDeepseek3 = {split_numbers_by_three, split_cjk_and_kana, split_deepseek3};
constexpr Stages kChameleon = {split_chameleon_sentinel,    split_chameleon_image,
                               split_chameleon_spaces,      split_number,
                               split_chameleon_punctuation, split_gpt2};
constexpr Stages kLines = {split_lines};
constexpr Stages kTinyAya = {split_thousands_of_words, split_gpt4o};

constexpr PreTokenizer kPreTokenizers[] = {
    {"default", kDefault},
    {"llama3", kLlama3, kIgnoresMerges | kAddsBos},
    {"llama-v3", kLlama3, kIgnoresMerges | kAddsBos},
    {"llama-bpe", kLlama3, kIgnoresMerges | kAddsBos},
    {"falcon3", kLlama3, kIgnoresMerges | kAddsBos},
    {"falcon-h1", kLlama3, kIgnoresMerges | kAddsBos},
    {"pixtral", kLlama3, kIgnoresMerges | kAddsBos},
    {"midm-2.0", kLlama3, kIgnoresMerges | kAddsBos},
    {"lfm2", kLlama3, kIgnoresMerges | kAddsBos},
    {"jina-v5-nano", kLlama3, kIgnoresMerges | kAddsBos},
    {"dbrx", kLlama3},
    {"smaug-bpe", kLlama3},
    {"glm4", kLlama3, kIgnoresMerges | kNoDefaultBos},
    {"glm5", kLlama3, kIgnoresMerges | kNoDefaultBos},
    {"chatglm-bpe", kLlama3, kNoDefaultBos},
    {"jais-2", {split_llama3, split_space_blocks}},
    {"minicpm5", {split_numbers_by_three, split_minicpm5}, kIgnoresMerges},
    {"deepseek-llm", kDeepseekLlm},
    {"deepseek-coder", kDeepseekCoder},
    {"deepseek-v3", kDeepseek3},
    {"hunyuan-dense", kDeepseek3},
    {"joyai-llm", kDeepseek3},
    {"hy_v4", kDeepseek3},
    {"spark2_5", {split_numbers_by_three, split_cjk_and_kana, split_spark, split_number}},
    {"youtu", {split_youtu_scripts, split_youtu_words}, kIgnoresMerges},
    {"falcon", kFalcon},
    {"starcoder", kDigitsGpt2},
    {"refact", kDigitsGpt2},
    {"command-r", kDigitsGpt2},
    {"smollm", kDigitsGpt2},
    {"codeshell", kDigitsGpt2},
    {"exaone", kDigitsGpt2},
    {"minerva-7b", kDigitsGpt2},
    {"mellum2", kDigitsGpt2},
    {"gpt-2", kGpt2},
    {"phi-2", kGpt2},
    {"jina-es", kGpt2},
    {"jina-de", kGpt2},
    {"jina-v1-en", kGpt2},
    {"jina-v2-es", kGpt2},
    {"jina-v2-de", kGpt2},
    {"jina-v2-code", kGpt2},
    {"roberta-bpe", kGpt2},
    {"gigachat", kGpt2},
    {"a.x-4.0", kGpt2},
    {"mellum", kGpt2},
    {"modern-bert", kGpt2},
    {"exaone4", kGpt2},
    {"mpt", kGpt2},
    {"olmo", kGpt2},
    {"jais", kGpt2},
    {"trillion", kGpt2},
    {"granite-docling", kGpt2},
    {"qwen2", kQwen2},
    {"deepseek-r1-qwen", kQwen2},
    {"kormo", kQwen2},
    {"f2llmv2", kQwen2},
    {"megrez", kQwen2},
    {"stablelm2", kQwen2},
    {"hunyuan", kQwen2},
    {"solar-open", kQwen2},
    {"grok-2", kQwen2},
    // \s*[\r\n] ends where \s*[\r\n]+ does, so these are qwen2's too.
    {"bailingmoe", kQwen2},
    {"bailingmoe2", kQwen2},
    {"llada-moe", kQwen2},
    {"laguna", {split_before_newlines, split_qwen2}},
    {"qwen35", {split_qwen35}},
    {"seed-coder", {split_seed_coder}},
    {"ufakzeka", {split_without_contractions}},
    {"exaone-moe", {split_exaone_moe}},
    {"gpt-4o", kGpt4o},
    {"llama4", kGpt4o},
    {"kanana2", kGpt4o},
    {"talkie", kGpt4o},
    {"minimax-m2", kGpt4o},
    {"granite-embed-multi-97m", kGpt4o, kIgnoresMerges},
    {"tiny_aya", kTinyAya},
    {"cohere2moe", kTinyAya},
    {"tekken", {split_tekken}, kIgnoresMerges | kAddsBos},
    {"kimi-k2", {split_kimi_k2}},
    {"superbpe", {split_numbers, split_thousands}},
    {"poro-chat", kBloom},
    {"bloom", kBloom},
    {"gpt3-finnish", kBloom},
    {"viking", {split_bloom, split_number}},
    {"chameleon", kChameleon, kAddsBos},
    {"afmoe", {split_number_thousands, split_afmoe_scripts, split_deepseek3}},
    {"gemma4", kLines, kAddsBos | kIsRaw},
    {"granite-embed-multi-311m", kLines, kAddsBos | kIsRaw},
    {"sarvam-moe", kLines, kIsRaw},
};

}  // namespace

const PreTokenizer* find_pre_tokenizer(std::string_view name) {
  if (name.empty()) name = "default";
  for (const PreTokenizer& row : kPreTokenizers)
    if (row.name == name) return &row;
  return nullptr;
}

std::span<const PreTokenizer> pre_tokenizers() { return kPreTokenizers; }

}  // namespace hearth::llm
