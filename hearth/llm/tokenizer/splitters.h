// The pre-tokenisers' regular expressions, written as functions over a table of character classes.
//
// Each cuts the first piece off a text as "isolated" splitting does: what the expression matches is
// a piece, and so is each stretch between two matches. Hand-written because the expressions are
// applied to every byte of every prompt, and because std::regex and PCRE can be driven into
// quadratic time by a long run of spaces.
#pragma once
#include <cstddef>
#include <string_view>

namespace hearth::llm {

/// What a splitter remembers between two pieces of one text, so that a run is measured once.
struct SplitMemory {
  const char* run_end = nullptr;
};

/// Bytes of the first piece of `rest`: at least 1, whole characters. `rest` must not be empty.
using Splitter = size_t (*)(std::string_view rest, SplitMemory& memory);

// One expression does the whole work. The comments give it as the models' tokenizer.json files do;
// C stands for
// (?i:'s|'t|'re|'ve|'m|'ll|'d), and all but the first two end in \s*[\r\n]+|\s+(?!\S)|\s+.

/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)
size_t split_gpt2(std::string_view rest, SplitMemory& memory);
///  ?[^(\s|.,!?…。，、।۔،)]+
size_t split_bloom(std::string_view rest, SplitMemory& memory);
/// C|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*
size_t split_llama3(std::string_view rest, SplitMemory& memory);
/// As llama3 with \p{N}
size_t split_qwen2(std::string_view rest, SplitMemory& memory);
/// As qwen2 with [\p{L}\p{M}]+ for words and marks taken out of the punctuation
size_t split_qwen35(std::string_view rest, SplitMemory& memory);
/// As qwen2, where a newline never joins the punctuation before it
size_t split_seed_coder(std::string_view rest, SplitMemory& memory);
/// As qwen2 without C
size_t split_without_contractions(std::string_view rest, SplitMemory& memory);
/// As llama3 with \p{N}+
size_t split_minicpm5(std::string_view rest, SplitMemory& memory);
/// As qwen2 with words of (?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+ and [\r\n/]? after punctuation
size_t split_exaone_moe(std::string_view rest, SplitMemory& memory);
/// X?U*L+C?|X?U+L*C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]* with X = [^\r\n\p{L}\p{N}], U =
/// [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}], L = [\p{Ll}\p{Lm}\p{Lo}\p{M}]
size_t split_gpt4o(std::string_view rest, SplitMemory& memory);
/// As gpt4o without C, and with \p{N}
size_t split_tekken(std::string_view rest, SplitMemory& memory);
/// As gpt4o with \p{N}
size_t split_youtu_words(std::string_view rest, SplitMemory& memory);
/// [\p{Han}]+, then as gpt4o with no Han in U and L, and [\r\n]* after punctuation
size_t split_kimi_k2(std::string_view rest, SplitMemory& memory);

// Stages of expressions that are applied one after the other, each to the pieces of the one before.

size_t split_number(std::string_view rest, SplitMemory& memory);            // \p{N}
size_t split_numbers(std::string_view rest, SplitMemory& memory);           // \p{N}+
size_t split_numbers_by_three(std::string_view rest, SplitMemory& memory);  // \p{N}{1,3}
size_t split_three_digits(std::string_view rest, SplitMemory& memory);      // [0-9][0-9][0-9]
/// (?=(\d{3})+(?!\d)): runs of digits of any script in threes, counted from their end
size_t split_thousands(std::string_view rest, SplitMemory& memory);
/// \d{1,3}(?=(?:\d{3})*\b): the same, only where the run ends a word
size_t split_thousands_of_words(std::string_view rest, SplitMemory& memory);
/// Runs of \p{N} in threes, counted from their end
size_t split_number_thousands(std::string_view rest, SplitMemory& memory);
size_t split_newline(std::string_view rest, SplitMemory& memory);  // [\r\n]
size_t split_lines(std::string_view rest, SplitMemory& memory);    // [^\n]+|[\n]+
/// (?:\r?\n)+, each with the text that follows it
size_t split_before_newlines(std::string_view rest, SplitMemory& memory);
/// [\p{P}\$\+<=>\^~\|]+, and the same with the backtick
size_t split_punctuation(std::string_view rest, SplitMemory& memory);
size_t split_punctuation_or_backtick(std::string_view rest, SplitMemory& memory);
size_t split_final_spaces(std::string_view rest, SplitMemory& memory);        // \s+$
size_t split_spaced_letters(std::string_view rest, SplitMemory& memory);      // \s?\p{L}+
size_t split_spaced_punctuation(std::string_view rest, SplitMemory& memory);  // \s?\p{P}+
size_t split_spaced_cased_letters(std::string_view rest, SplitMemory& memory);  // \s?[A-Za-zµÀ-Ö…]+
size_t split_spaced_wide_punctuation(std::string_view rest,
                                     SplitMemory& memory);  // \s?[!-/:-~！-／…]+
size_t split_cjk_and_hangul(std::string_view rest,
                            SplitMemory& memory);                       // [一-龥ࠀ-一가-퟿]+
size_t split_cjk_and_kana(std::string_view rest, SplitMemory& memory);  // [一-龥぀-ゟ゠-ヿ]+
size_t split_youtu_scripts(std::string_view rest, SplitMemory& memory);
size_t split_afmoe_scripts(std::string_view rest, SplitMemory& memory);
/// [!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|
/// ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t split_deepseek3(std::string_view rest, SplitMemory& memory);
/// The same with nothing after punctuation, and [\r\n] for newlines
size_t split_spark(std::string_view rest, SplitMemory& memory);
/// Spaces without a newline in blocks of 512, 256, 128, 64, 32, 16, 8, 4, 2 and 1
size_t split_space_blocks(std::string_view rest, SplitMemory& memory);
size_t split_chameleon_sentinel(std::string_view rest, SplitMemory& memory);  // <sentinel:[0-9]+>
size_t split_chameleon_image(std::string_view rest,
                             SplitMemory& memory);  // (IMGIMG)((A|B|…|I){1,4})Z
size_t split_chameleon_spaces(std::string_view rest, SplitMemory& memory);  // ([\t\n]|    |  )
size_t split_chameleon_punctuation(std::string_view rest,
                                   SplitMemory& memory);  // [\p{P}!-/:-@\[-`{-~]

}  // namespace hearth::llm
