// The stages of expressions that are applied one after the other. Each names what it matches; what
// lies between two matches is a piece as well, and goes to the next stage as it is.
#include <utf8proc.h>

#include <algorithm>
#include <span>

#include "hearth/llm/tokenizer/char_scan.h"
#include "hearth/llm/tokenizer/splitters.h"

namespace hearth::llm {
namespace {

struct Range {
  char32_t first, last;
};

bool contains(std::span<const Range> ranges, char32_t code) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), code,
                                      [](char32_t c, const Range& r) { return c < r.first; });
  return after != ranges.begin() && code <= std::prev(after)->last;
}

// The letters with case that DeepSeek-LLM's expression lists (tokenizer.json of
// deepseek-llm-7b-base), an older \p{L&} without the mathematical alphabets.
constexpr Range kCasedLetters[] = {
    {0x41, 0x5a},       {0x61, 0x7a},       {0xb5, 0xb5},       {0xc0, 0xd6},
    {0xd8, 0xf6},       {0xf8, 0x1ba},      {0x1bc, 0x1bf},     {0x1c4, 0x293},
    {0x295, 0x2af},     {0x370, 0x373},     {0x376, 0x377},     {0x37b, 0x37d},
    {0x37f, 0x37f},     {0x386, 0x386},     {0x388, 0x38a},     {0x38c, 0x38c},
    {0x38e, 0x3a1},     {0x3a3, 0x3f5},     {0x3f7, 0x481},     {0x48a, 0x52f},
    {0x531, 0x556},     {0x10a0, 0x10c5},   {0x13a0, 0x13f5},   {0x13f8, 0x13fd},
    {0x1c90, 0x1cba},   {0x1cbd, 0x1cbf},   {0x1d00, 0x1d2b},   {0x1d6b, 0x1d77},
    {0x1d79, 0x1d9a},   {0x1e00, 0x1f15},   {0x1f18, 0x1f1d},   {0x1f20, 0x1f45},
    {0x1f48, 0x1f4d},   {0x1f50, 0x1f57},   {0x1f59, 0x1f59},   {0x1f5b, 0x1f5b},
    {0x1f5d, 0x1f5d},   {0x1f5f, 0x1f7d},   {0x1f80, 0x1fb4},   {0x1fb6, 0x1fbc},
    {0x1fbe, 0x1fbe},   {0x1fc2, 0x1fc4},   {0x1fc6, 0x1fcc},   {0x1fd0, 0x1fd3},
    {0x1fd6, 0x1fdb},   {0x1fe0, 0x1fec},   {0x1ff2, 0x1ff4},   {0x1ff6, 0x1ffc},
    {0x2102, 0x2102},   {0x2107, 0x2107},   {0x210a, 0x2113},   {0x2115, 0x2115},
    {0x2119, 0x211d},   {0x2124, 0x2124},   {0x2126, 0x2126},   {0x2128, 0x2128},
    {0x212a, 0x212d},   {0x212f, 0x2134},   {0x2139, 0x2139},   {0x213c, 0x213f},
    {0x2145, 0x2149},   {0x214e, 0x214e},   {0x2183, 0x2184},   {0x2c00, 0x2c7b},
    {0x2c7e, 0x2ce4},   {0x2ceb, 0x2cee},   {0x2cf2, 0x2cf3},   {0xa640, 0xa66d},
    {0xa680, 0xa69b},   {0xa722, 0xa76f},   {0xa771, 0xa787},   {0xa78b, 0xa78e},
    {0xab70, 0xabbf},   {0xfb00, 0xfb06},   {0xfb13, 0xfb17},   {0xff21, 0xff3a},
    {0xff41, 0xff5a},   {0x10400, 0x1044f}, {0x104b0, 0x104d3}, {0x104d8, 0x104fb},
    {0x10c80, 0x10cb2}, {0x10cc0, 0x10cf2}, {0x118a0, 0x118df}, {0x1e900, 0x1e943}};
constexpr Range kWidePunctuation[] = {{0x21, 0x2f},     {0x3a, 0x7e},     {0x2018, 0x201f},
                                      {0x3000, 0x3002}, {0xff01, 0xff0f}, {0xff1a, 0xff5e}};
constexpr Range kCjkAndHangul[] = {{0x800, 0x4e00}, {0x4e01, 0x9fa5}, {0xac00, 0xd7ff}};
constexpr Range kCjkAndKana[] = {{0x3040, 0x309f}, {0x30a0, 0x30ff}, {0x4e00, 0x9fa5}};
constexpr Range kHangulAndJamo[] = {{0x3131, 0x318e}, {0xac00, 0xd7a3}};
constexpr Range kChinesePunctuation[] = {{0x2014, 0x2014}, {0x2018, 0x2019}, {0x201c, 0x201d},
                                         {0x2026, 0x2026}, {0x3001, 0x303f}, {0xfe30, 0xfe4f},
                                         {0xff01, 0xff01}, {0xff0c, 0xff0c}, {0xff1a, 0xff1b}};
constexpr Range kBopomofo[] = {{0x3105, 0x312f}};
constexpr Range kAfmoeScripts[] = {
    {0xe40, 0xeff},   {0x1000, 0x109f}, {0x1100, 0x11ff}, {0x1780, 0x17ff}, {0x2f00, 0x2fdf},
    {0x3040, 0x30ff}, {0x3400, 0x4dbf}, {0x4e00, 0x9fff}, {0xa9e0, 0xa9ff}, {0xaa60, 0xaa7f},
    {0xac00, 0xd7af}, {0xf900, 0xfaff}, {0xff65, 0xff9f}};

size_t end_of_ranges(std::string_view text, size_t at, std::span<const Range> ranges) {
  while (at < text.size()) {
    const Char c = decode_char(text.substr(at));
    if (!contains(ranges, c.code)) break;
    at += c.bytes;
  }
  return at;
}

// [0-9]+
size_t end_of_digits(std::string_view text, size_t at) {
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
  return at;
}

// \d+: decimal digits of every script.
size_t end_of_decimals(std::string_view text, size_t at) {
  while (at < text.size()) {
    const Char c = decode_char(text.substr(at));
    if (utf8proc_category(static_cast<utf8proc_int32_t>(c.code)) != UTF8PROC_CATEGORY_ND) break;
    at += c.bytes;
  }
  return at;
}

// The first piece, given `match(text, at)`: the end of a match that starts at `at`, or `at` for
// none.
template <class Match>
size_t first_piece(std::string_view text, Match match) {
  if (const size_t end = match(text, size_t{0})) return end;
  size_t gap = class_at(text, 0).bytes;
  while (gap < text.size() && match(text, gap) == gap) gap += class_at(text, gap).bytes;
  return gap;
}

// \s?RUN, where `end_of(text, at)` ends the run.
template <class EndOf>
size_t first_spaced(std::string_view text, EndOf end_of) {
  return first_piece(text, [&](std::string_view t, size_t at) {
    const ClassAt first = class_at(t, at);
    if (first.bits & kSpace) {
      const size_t start = at + first.bytes, end = end_of(t, start);
      if (end > start) return end;
    }
    return end_of(t, at);
  });
}

size_t count_chars(std::string_view text) {
  size_t count = 0;
  for (size_t at = 0; at < text.size(); at += class_at(text, at).bytes) ++count;
  return count;
}

size_t end_of_chars(std::string_view text, size_t at, size_t count) {
  for (size_t i = 0; i < count; ++i) at += class_at(text, at).bytes;
  return at;
}

// Runs of characters that `end_of(text, at)` ends, in pieces of three counted from the end of the
// run; a run counts only where `fits(text, end)`.
template <class EndOf, class Fits>
size_t first_of_threes(std::string_view text, SplitMemory& memory, EndOf end_of, Fits fits) {
  const char* const text_end = text.data() + text.size();
  const bool inside = memory.run_end > text.data() && memory.run_end <= text_end;
  const size_t run =
      inside ? static_cast<size_t>(memory.run_end - text.data()) : end_of(text, size_t{0});
  if (run > 0 && fits(text, run)) {
    memory.run_end = text.data() + run;
    const size_t count_mod_3 = inside ? 0 : count_chars(text.substr(0, run)) % 3;
    return end_of_chars(text, 0, count_mod_3 ? count_mod_3 : 3);
  }
  // No piece begins here: up to the next run that counts.
  size_t gap = run > 0 ? run : class_at(text, 0).bytes;
  while (gap < text.size()) {
    const size_t end = end_of(text, gap);
    if (end > gap && fits(text, end)) break;
    gap = end > gap ? end : gap + class_at(text, gap).bytes;
  }
  return gap;
}

// \w as Oniguruma has it, which the tokenizers library uses: letters, marks, decimal and letter
// numbers, connectors, letters in circles and squares; of the other numbers those of Latin-1 alone.
bool is_word_char(char32_t code) {
  constexpr Range kOthers[] = {{0xb2, 0xb3},      {0xb9, 0xb9},       {0xbc, 0xbe},
                               {0x24b6, 0x24e9},  {0x1f130, 0x1f149}, {0x1f150, 0x1f169},
                               {0x1f170, 0x1f189}};
  if ((CharTable::instance()[code] & (kLetter | kMark)) || contains(kOthers, code)) return true;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL ||
         category == UTF8PROC_CATEGORY_PC;
}

constexpr auto kAnywhere = [](std::string_view, size_t) { return true; };

size_t end_of_numbers(std::string_view text, size_t at) { return end_of_run(text, at, kNumber); }

bool is_ascii_punctuation(char c) {
  return static_cast<uint8_t>(c) < 0x80 &&
         (kAsciiClasses[static_cast<uint8_t>(c)] & (kPunct | kSymbol));
}

template <bool kBacktick>
size_t end_of_punctuation(std::string_view text, size_t at) {
  while (at < text.size()) {
    const ClassAt c = class_at(text, at);
    const bool is_listed = std::string_view("$+<=>^~|").find(text[at]) != std::string_view::npos ||
                           (kBacktick && text[at] == '`');
    if (!(c.bits & kPunct) && !is_listed) break;
    at += c.bytes;
  }
  return at;
}

// \s*[\r\n]+|\s+(?!\S)|\s+ or, without joining, [\r\n]|\s+(?!\S)|\s+
template <bool kJoinNewlines>
size_t end_of_spaces(std::string_view text, size_t at) {
  if (!kJoinNewlines && is_newline(byte_at(text, at))) return at + 1;
  size_t end = at, last_start = at, after_newline = at;
  while (end < text.size()) {
    const ClassAt c = class_at(text, end);
    if (!(c.bits & kSpace)) break;
    last_start = end;
    end += c.bytes;
    if (is_newline(text[last_start])) after_newline = end;
  }
  if (kJoinNewlines && after_newline > at) return after_newline;
  return end < text.size() && last_start > at ? last_start : end;
}

template <bool kJoinNewlines>
size_t end_of_deepseek3(std::string_view text, size_t at) {
  if (is_ascii_punctuation(text[at]) && is_ascii_letter(byte_at(text, at + 1))) {
    size_t end = at + 1;
    while (end < text.size() && is_ascii_letter(text[end])) ++end;
    return end;
  }
  const ClassAt first = class_at(text, at);
  const bool may_lead = !(first.bits & (kLetter | kPunct | kSymbol)) && !is_newline(text[at]);
  const size_t start = may_lead ? at + first.bytes : at;
  const size_t end = end_of_run(text, start, kLetter | kMark);
  if (end > start || (first.bits & kMark)) return end;
  const size_t punctuation = text[at] == ' ' ? at + 1 : at;
  size_t after = end_of_run(text, punctuation, kPunct | kSymbol);
  if (after > punctuation) {
    while (kJoinNewlines && is_newline(byte_at(text, after))) ++after;
    return after;
  }
  return end_of_spaces<kJoinNewlines>(text, at);
}

// <sentinel:[0-9]+>
size_t end_of_sentinel(std::string_view text, size_t at) {
  constexpr std::string_view kOpening = "<sentinel:";
  if (text.substr(at, kOpening.size()) != kOpening) return at;
  const size_t digits = at + kOpening.size(), end = end_of_digits(text, digits);
  return end > digits && byte_at(text, end) == '>' ? end + 1 : at;
}

// (IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z
size_t end_of_image(std::string_view text, size_t at) {
  constexpr std::string_view kOpening = "IMGIMG";
  if (text.substr(at, kOpening.size()) != kOpening) return at;
  const size_t start = at + kOpening.size();
  size_t end = start;
  while (end < start + 4 && byte_at(text, end) >= 'A' && byte_at(text, end) <= 'I') ++end;
  return end > start && byte_at(text, end) == 'Z' ? end + 1 : at;
}

}  // namespace

size_t split_number(std::string_view text, SplitMemory&) {
  return first_piece(text, [](std::string_view t, size_t at) {
    const ClassAt c = class_at(t, at);
    return c.bits & kNumber ? at + c.bytes : at;
  });
}

size_t split_numbers(std::string_view text, SplitMemory&) {
  return first_piece(text, end_of_numbers);
}

size_t split_numbers_by_three(std::string_view text, SplitMemory&) {
  return first_piece(text, [](std::string_view t, size_t at) {
    for (int i = 0; i < 3 && (bits_at(t, at) & kNumber); ++i) at += class_at(t, at).bytes;
    return at;
  });
}

size_t split_three_digits(std::string_view text, SplitMemory&) {
  return first_piece(text, [](std::string_view t, size_t at) {
    return end_of_digits(t.substr(0, at + 3), at) == at + 3 ? at + 3 : at;
  });
}

size_t split_thousands(std::string_view text, SplitMemory& memory) {
  // The expression matches nothing but places: before each three digits, counted from the end of
  // their run. A piece reaches from one place to the next, whatever lies between.
  size_t at = 0;
  if (memory.run_end > text.data() && memory.run_end <= text.data() + text.size()) {
    const auto run = static_cast<size_t>(memory.run_end - text.data());
    at = end_of_chars(text, 0, 3);
    if (at < run) return at;
  }
  while (at < text.size()) {
    const size_t end = end_of_decimals(text, at);
    const size_t lead = count_chars(text.substr(at, end - at)) % 3;
    size_t place = end_of_chars(text, at, lead);
    if (place == 0 && end > 0) place = end_of_chars(text, 0, 3);  // the text begins with a place
    if (place < end) {
      memory.run_end = text.data() + end;
      return place;
    }
    at = end > at ? end : at + class_at(text, at).bytes;
  }
  return text.size();
}

size_t split_thousands_of_words(std::string_view text, SplitMemory& memory) {
  // \b after a digit: what follows is no part of a word.
  return first_of_threes(text, memory, end_of_decimals, [](std::string_view t, size_t end) {
    return end == t.size() || !is_word_char(decode_char(t.substr(end)).code);
  });
}

size_t split_number_thousands(std::string_view text, SplitMemory& memory) {
  return first_of_threes(text, memory, end_of_numbers, kAnywhere);
}

size_t split_newline(std::string_view text, SplitMemory&) {
  return first_piece(text,
                     [](std::string_view t, size_t at) { return is_newline(t[at]) ? at + 1 : at; });
}

size_t split_lines(std::string_view text, SplitMemory&) {
  const size_t end = text[0] == '\n' ? text.find_first_not_of('\n') : text.find('\n');
  return std::min(end, text.size());
}

size_t split_punctuation(std::string_view text, SplitMemory&) {
  return first_piece(text, end_of_punctuation<false>);
}

size_t split_punctuation_or_backtick(std::string_view text, SplitMemory&) {
  return first_piece(text, end_of_punctuation<true>);
}

size_t split_before_newlines(std::string_view text, SplitMemory&) {
  const auto newline_bytes = [&](size_t at) -> size_t {
    return text[at] == '\n' ? 1 : text.substr(at).starts_with("\r\n") ? 2 : 0;
  };
  size_t end = 0;
  while (end < text.size() && newline_bytes(end) > 0) end += newline_bytes(end);
  while (end < text.size() && newline_bytes(end) == 0) ++end;
  return end;
}

size_t split_final_spaces(std::string_view text, SplitMemory& memory) {
  if (memory.run_end == text.data()) return text.size();  // only the spaces are left
  size_t last = 0;  // end of the last character that is no space
  for (size_t at = 0; at < text.size();) {
    const ClassAt c = class_at(text, at);
    at += c.bytes;
    if (!(c.bits & kSpace)) last = at;
  }
  memory.run_end = text.data() + last;
  return last > 0 ? last : text.size();
}

size_t split_spaced_letters(std::string_view text, SplitMemory&) {
  return first_spaced(text,
                      [](std::string_view t, size_t at) { return end_of_run(t, at, kLetter); });
}

size_t split_spaced_punctuation(std::string_view text, SplitMemory&) {
  return first_spaced(text,
                      [](std::string_view t, size_t at) { return end_of_run(t, at, kPunct); });
}

size_t split_spaced_cased_letters(std::string_view text, SplitMemory&) {
  return first_spaced(text, [](auto t, size_t at) { return end_of_ranges(t, at, kCasedLetters); });
}

size_t split_spaced_wide_punctuation(std::string_view text, SplitMemory&) {
  return first_spaced(text,
                      [](auto t, size_t at) { return end_of_ranges(t, at, kWidePunctuation); });
}

size_t split_cjk_and_hangul(std::string_view text, SplitMemory&) {
  return first_piece(text, [](auto t, size_t at) { return end_of_ranges(t, at, kCjkAndHangul); });
}

size_t split_cjk_and_kana(std::string_view text, SplitMemory&) {
  return first_piece(text, [](auto t, size_t at) { return end_of_ranges(t, at, kCjkAndKana); });
}

size_t split_youtu_scripts(std::string_view text, SplitMemory&) {
  return first_piece(text, [](std::string_view t, size_t at) {
    for (std::span<const Range> ranges :
         {std::span<const Range>(kHangulAndJamo), std::span<const Range>(kChinesePunctuation),
          std::span<const Range>(kBopomofo), std::span<const Range>(kCjkAndKana)})
      if (const size_t end = end_of_ranges(t, at, ranges); end > at) return end;
    return at;
  });
}

size_t split_afmoe_scripts(std::string_view text, SplitMemory&) {
  return first_piece(text, [](auto t, size_t at) { return end_of_ranges(t, at, kAfmoeScripts); });
}

size_t split_deepseek3(std::string_view text, SplitMemory&) {
  return first_piece(text, end_of_deepseek3<true>);
}
size_t split_spark(std::string_view text, SplitMemory&) {
  return first_piece(text, end_of_deepseek3<false>);
}

size_t split_space_blocks(std::string_view text, SplitMemory&) {
  // A stretch that ends with a newline is one match of \s*[\r\n]+, whatever stands before the
  // newline.
  if (is_newline(text.back())) return text.size();
  size_t ends[513] = {0};
  size_t spaces = 0;
  while (spaces < 512 && (bits_at(text, ends[spaces]) & kSpace)) {
    ends[spaces + 1] = ends[spaces] + class_at(text, ends[spaces]).bytes;
    ++spaces;
  }
  if (spaces < 512 && ends[spaces] < text.size())
    return text.size();  // a word with a space in front
  for (size_t block = 512; block >= 1; block /= 2)
    if (spaces >= block) return ends[block];
  return text.size();
}

size_t split_chameleon_sentinel(std::string_view text, SplitMemory&) {
  return first_piece(text, end_of_sentinel);
}

size_t split_chameleon_image(std::string_view text, SplitMemory&) {
  return first_piece(text, end_of_image);
}

size_t split_chameleon_spaces(std::string_view text, SplitMemory&) {
  return first_piece(text, [](std::string_view t, size_t at) {
    if (t[at] == '\t' || t[at] == '\n') return at + 1;
    const size_t spaces = std::min(t.substr(at, 4).find_first_not_of(' '), t.substr(at, 4).size());
    return spaces == 4 ? at + 4 : spaces >= 2 ? at + 2 : at;
  });
}

size_t split_chameleon_punctuation(std::string_view text, SplitMemory&) {
  return first_piece(text, [](std::string_view t, size_t at) {
    const ClassAt c = class_at(t, at);
    return (c.bits & kPunct) || is_ascii_punctuation(t[at]) ? at + c.bytes : at;
  });
}

}  // namespace hearth::llm
