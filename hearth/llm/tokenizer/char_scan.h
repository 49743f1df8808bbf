// Runs of characters of a class: what the splitters are made of.
#pragma once
#include <cstddef>
#include <string_view>

#include "hearth/llm/tokenizer/unicode.h"

namespace hearth::llm {

struct ClassAt {
  CharClass bits;
  uint32_t bytes;
};

/// Class and length of the character at `at`, which lies inside `text`. An invalid byte is a
/// symbol, as U+FFFD is.
inline ClassAt class_at(std::string_view text, size_t at) {
  const auto first = static_cast<uint8_t>(text[at]);
  if (first < 0x80) return {kAsciiClasses[first], 1};
  const Char c = decode_char(text.substr(at));
  return {CharTable::instance()[c.code], c.bytes};
}

/// Class of the character at `at`; 0 at the end.
inline CharClass bits_at(std::string_view text, size_t at) {
  return at < text.size() ? class_at(text, at).bits : CharClass{0};
}

inline char byte_at(std::string_view text, size_t at) { return at < text.size() ? text[at] : '\0'; }

/// End of the run from `at` of characters with any bit of `wanted`.
inline size_t end_of_run(std::string_view text, size_t at, CharClass wanted) {
  while (at < text.size()) {
    const ClassAt c = class_at(text, at);
    if (!(c.bits & wanted)) break;
    at += c.bytes;
  }
  return at;
}

/// End of the run from `at` of characters with no bit of `unwanted`.
inline size_t end_of_run_without(std::string_view text, size_t at, CharClass unwanted) {
  while (at < text.size()) {
    const ClassAt c = class_at(text, at);
    if (c.bits & unwanted) break;
    at += c.bytes;
  }
  return at;
}

inline bool is_newline(char c) { return c == '\r' || c == '\n'; }
inline bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace hearth::llm
