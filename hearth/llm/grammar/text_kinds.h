// Kinds of characters that grammars seldom tell apart, one bit each.
//
// Most of a vocabulary is words. Inside a string all of them may come next: asking for kinds
// answers that for thousands of pieces at once.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "hearth/llm/tokenizer/unicode.h"

namespace hearth::llm {

using TextKinds = uint64_t;
/// Whole characters above ASCII.
inline constexpr TextKinds kWideKind = TextKinds{1} << 62;
/// Bytes that are no part of a whole character.
inline constexpr TextKinds kBrokenKind = TextKinds{1} << 63;

/// The kinds of ASCII: letters (hexadecimal ones apart), digits (0 apart), rare controls; each
/// other character is a kind of its own.
inline constexpr std::array<TextKinds, 128> kAsciiKinds = [] {
  std::array<TextKinds, 128> kinds{};
  TextKinds next = 1;
  const auto join = [&](char first, char last) {
    for (int c = first; c <= last; ++c) kinds[c] = next;
    next <<= 1;
  };
  join(0, 8), join(14, 31);
  join('1', '9');
  join('a', 'f'), join('g', 'z');
  join('A', 'F'), join('G', 'Z');
  for (TextKinds& kind : kinds)
    if (kind == 0) kind = next, next <<= 1;
  return kinds;
}();

/// The kind of the character at the start of `text`, which must not be empty, and its bytes.
struct KindOfText {
  TextKinds kind;
  uint32_t bytes;
};
inline KindOfText kind_of(std::string_view text) {
  const auto byte = static_cast<uint8_t>(text[0]);
  if (byte < 0x80) return {kAsciiKinds[byte], 1};
  const uint32_t bytes = decode_char(text).bytes;
  return {bytes == 1 ? kBrokenKind : kWideKind, bytes};
}

}  // namespace hearth::llm
