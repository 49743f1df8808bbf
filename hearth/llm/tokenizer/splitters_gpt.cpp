// The expressions that cover the whole text: GPT-2's, and the family that began with cl100k.
#include "hearth/llm/tokenizer/char_scan.h"
#include "hearth/llm/tokenizer/splitters.h"

namespace hearth::llm {
namespace {

// Ends of the alternatives: a match's end, or `at` for no match. The order of the alternatives is
// the meaning of an expression, so each splitter below reads in that order.

char lower_ascii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// 's|'t|'re|'ve|'m|'ll|'d. In any case, the long s (U+017F) is an s as well: Unicode folds the two.
template <bool kAnyCase>
size_t end_of_contraction(std::string_view text, size_t at) {
  constexpr std::string_view kLongS = "\xc5\xbf";
  if (byte_at(text, at) != '\'') return at;
  if (kAnyCase && text.substr(at + 1).starts_with(kLongS)) return at + 1 + kLongS.size();
  const auto letter = [&](size_t i) {
    return kAnyCase ? lower_ascii(byte_at(text, i)) : byte_at(text, i);
  };
  const char first = letter(at + 1), second = letter(at + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
  if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
      (first == 'l' && second == 'l'))
    return at + 3;
  return at;
}

// \s*[\r\n]+|\s+(?!\S)|\s+ at the start of `text`; 0 where it is no space.
template <bool kNewlines>
size_t end_of_spaces(std::string_view text) {
  size_t end = 0, last_start = 0, after_newline = 0;
  while (end < text.size()) {
    const ClassAt c = class_at(text, end);
    if (!(c.bits & kSpace)) break;
    last_start = end;
    end += c.bytes;
    if (is_newline(text[last_start])) after_newline = end;
  }
  if (kNewlines && after_newline > 0) return after_newline;
  // The last space of several belongs to the word that follows.
  if (end < text.size() && last_start > 0) return last_start;
  return end;
}

struct Style {
  enum class Contraction { none, before_words, after_words } contraction;
  enum class Words { letters, letters_and_marks, spaced_letters, cased, cased_without_han } words;
  int digits_max;  // 0: no limit
  enum class Tail { none, newlines, newlines_and_slashes, one_newline_or_slash } tail;
};

size_t end_of_spaced_letters(std::string_view text, size_t at) {
  size_t end = at;
  while (bits_at(text, at) & kLetter) {
    at += class_at(text, at).bytes;
    end = at = end_of_run(text, at, kMark);
    if (byte_at(text, at) == ' ') ++at;
  }
  return end;
}

constexpr CharClass kUpperRun = kUpper | kMark, kLowerRun = kLower | kMark;

template <bool kWithoutHan>
ClassAt cased_at(std::string_view text, size_t at) {
  ClassAt c = class_at(text, at);
  if (kWithoutHan && (c.bits & kHan)) c.bits = 0;
  return c;
}

template <bool kWithoutHan>
size_t end_of_lower_run(std::string_view text, size_t at) {
  while (at < text.size()) {
    const ClassAt c = cased_at<kWithoutHan>(text, at);
    if (!(c.bits & kLowerRun)) break;
    at += c.bytes;
  }
  return at;
}

// U*L+ from `at`. A greedy U* may have eaten what L+ needs; backtracking gives back characters
// until the last one that is in both sets, and then L+ is that character alone.
template <bool kWithoutHan>
size_t end_of_capitalised(std::string_view text, size_t at) {
  size_t pos = at, after_last_both = at;
  while (pos < text.size()) {
    const ClassAt c = cased_at<kWithoutHan>(text, pos);
    if (!(c.bits & kUpperRun)) break;
    pos += c.bytes;
    if (c.bits & kLowerRun) after_last_both = pos;
  }
  const size_t end = end_of_lower_run<kWithoutHan>(text, pos);
  return end > pos ? end : after_last_both;
}

// U+L* from `at`.
template <bool kWithoutHan>
size_t end_of_capitals(std::string_view text, size_t at) {
  size_t pos = at;
  while (pos < text.size()) {
    const ClassAt c = cased_at<kWithoutHan>(text, pos);
    if (!(c.bits & kUpperRun)) break;
    pos += c.bytes;
  }
  return pos > at ? end_of_lower_run<kWithoutHan>(text, pos) : at;
}

// The word alternatives without their optional first character.
template <Style kStyle>
size_t end_of_letters(std::string_view text, size_t at) {
  switch (kStyle.words) {
    case Style::Words::letters:
      return end_of_run(text, at, kLetter);
    case Style::Words::letters_and_marks:
      return end_of_run(text, at, kLetter | kMark);
    case Style::Words::spaced_letters:
      return end_of_spaced_letters(text, at);
    default:
      return at;
  }
}

// [^\r\n\p{L}\p{N}]?WORD for one kind of word: with the extra character in front if that works,
// else without.
template <size_t (*kEndOfWord)(std::string_view, size_t)>
size_t end_of_prefixed(std::string_view text, ClassAt first) {
  if (!(first.bits & (kLetter | kNumber)) && !is_newline(text[0])) {
    const size_t end = kEndOfWord(text, first.bytes);
    if (end > first.bytes) return end;
  }
  return kEndOfWord(text, 0);
}

template <Style kStyle>
size_t end_of_word(std::string_view text, ClassAt first) {
  constexpr bool kWithoutHan = kStyle.words == Style::Words::cased_without_han;
  if constexpr (kStyle.words == Style::Words::cased || kWithoutHan) {
    size_t end = end_of_prefixed<end_of_capitalised<kWithoutHan>>(text, first);
    if (end == 0) end = end_of_prefixed<end_of_capitals<kWithoutHan>>(text, first);
    if (end > 0 && kStyle.contraction == Style::Contraction::after_words)
      end = end_of_contraction<true>(text, end);
    return end;
  } else {
    return end_of_prefixed<end_of_letters<kStyle>>(text, first);
  }
}

template <Style kStyle>
size_t end_of_numbers(std::string_view text) {
  if (kStyle.digits_max == 0) return end_of_run(text, 0, kNumber);
  size_t pos = 0;
  for (int digits = 0; digits < kStyle.digits_max && (bits_at(text, pos) & kNumber); ++digits)
    pos += class_at(text, pos).bytes;
  return pos;
}

//  ?[^\s\p{L}\p{N}]+ and what may follow it
template <Style kStyle>
size_t end_of_punctuation(std::string_view text) {
  constexpr bool kMarksAreWords = kStyle.words == Style::Words::letters_and_marks;
  constexpr CharClass kOthers =
      kSpace | kLetter | kNumber | (kMarksAreWords ? kMark : CharClass{0});
  const size_t start = text[0] == ' ' ? 1 : 0;
  size_t pos = end_of_run_without(text, start, kOthers);
  if (pos == start) return 0;
  const auto is_tail = [](char c) {
    return is_newline(c) || (c == '/' && kStyle.tail != Style::Tail::newlines);
  };
  if (kStyle.tail == Style::Tail::one_newline_or_slash)
    return pos < text.size() && is_tail(text[pos]) ? pos + 1 : pos;
  if (kStyle.tail != Style::Tail::none)
    while (pos < text.size() && is_tail(text[pos])) ++pos;
  return pos;
}

template <Style kStyle>
size_t split_styled(std::string_view text) {
  if (kStyle.contraction == Style::Contraction::before_words) {
    if (const size_t end = end_of_contraction<true>(text, 0)) return end;
  }
  const ClassAt first = class_at(text, 0);
  if (const size_t end = end_of_word<kStyle>(text, first)) return end;
  if (first.bits & kNumber) return end_of_numbers<kStyle>(text);
  if (const size_t end = end_of_punctuation<kStyle>(text)) return end;
  return end_of_spaces<true>(text);  // nothing else is left: the alternatives cover every character
}

using enum Style::Contraction;
using Words = Style::Words;
using Tail = Style::Tail;
constexpr Style kLlama3 = {before_words, Words::letters, 3, Tail::newlines};
constexpr Style kQwen2 = {before_words, Words::letters, 1, Tail::newlines};
constexpr Style kQwen35 = {before_words, Words::letters_and_marks, 1, Tail::newlines};
constexpr Style kSeedCoder = {before_words, Words::letters, 1, Tail::none};
constexpr Style kWithoutContractions = {Style::Contraction::none, Words::letters, 1,
                                        Tail::newlines};
constexpr Style kMiniCpm5 = {before_words, Words::letters, 0, Tail::newlines};
constexpr Style kExaoneMoe = {before_words, Words::spaced_letters, 1, Tail::one_newline_or_slash};
constexpr Style kGpt4o = {after_words, Words::cased, 3, Tail::newlines_and_slashes};
constexpr Style kTekken = {Style::Contraction::none, Words::cased, 1, Tail::newlines_and_slashes};
constexpr Style kYoutu = {after_words, Words::cased, 1, Tail::newlines_and_slashes};
constexpr Style kKimiK2 = {after_words, Words::cased_without_han, 3, Tail::newlines};

// Characters that BLOOM's words never contain; the parentheses and the bar stand in its set by
// mistake and stay.
bool is_bloom_stop(char32_t code) {
  switch (code) {
    case '(':
    case '|':
    case '.':
    case ',':
    case '!':
    case '?':
    case ')':
    case 0x2026:
    case 0x3002:
    case 0xff0c:
    case 0x3001:
    case 0x0964:
    case 0x06d4:
    case 0x060c:
      return true;
    default:
      return false;
  }
}

size_t end_of_bloom_word(std::string_view text, size_t at) {
  while (at < text.size()) {
    const Char c = decode_char(text.substr(at));
    if (is_bloom_stop(c.code) || (class_at(text, at).bits & kSpace)) break;
    at += c.bytes;
  }
  return at;
}

}  // namespace

size_t split_gpt2(std::string_view text, SplitMemory&) {
  if (const size_t end = end_of_contraction<false>(text, 0)) return end;
  const size_t start = text[0] == ' ' && text.size() > 1 ? 1 : 0;
  const CharClass bits = class_at(text, start).bits;
  if (bits & kLetter) return end_of_run(text, start, kLetter);
  if (bits & kNumber) return end_of_run(text, start, kNumber);
  if (!(bits & kSpace)) return end_of_run_without(text, start, kSpace | kLetter | kNumber);
  return end_of_spaces<false>(text);
}

size_t split_bloom(std::string_view text, SplitMemory&) {
  const auto match = [&](size_t at) {
    const size_t start = text[at] == ' ' ? at + 1 : at;
    const size_t end = end_of_bloom_word(text, start);
    return end > start ? end : at;
  };
  if (const size_t end = match(0)) return end;
  size_t gap = class_at(text, 0).bytes;
  while (gap < text.size() && match(gap) == gap) gap += class_at(text, gap).bytes;
  return gap;
}

size_t split_llama3(std::string_view text, SplitMemory&) { return split_styled<kLlama3>(text); }
size_t split_qwen2(std::string_view text, SplitMemory&) { return split_styled<kQwen2>(text); }
size_t split_qwen35(std::string_view text, SplitMemory&) { return split_styled<kQwen35>(text); }
size_t split_seed_coder(std::string_view text, SplitMemory&) {
  return split_styled<kSeedCoder>(text);
}
size_t split_without_contractions(std::string_view text, SplitMemory&) {
  return split_styled<kWithoutContractions>(text);
}
size_t split_minicpm5(std::string_view text, SplitMemory&) { return split_styled<kMiniCpm5>(text); }
size_t split_exaone_moe(std::string_view text, SplitMemory&) {
  return split_styled<kExaoneMoe>(text);
}
size_t split_gpt4o(std::string_view text, SplitMemory&) { return split_styled<kGpt4o>(text); }
size_t split_tekken(std::string_view text, SplitMemory&) { return split_styled<kTekken>(text); }
size_t split_youtu_words(std::string_view text, SplitMemory&) { return split_styled<kYoutu>(text); }

size_t split_kimi_k2(std::string_view text, SplitMemory&) {
  const size_t end = end_of_run(text, 0, kHan);
  return end > 0 ? end : split_styled<kKimiK2>(text);
}

}  // namespace hearth::llm
