// Characters as tokenizers see them: UTF-8 decoding that never fails, and general categories as
// bits.
//
// Categories come from utf8proc (Unicode 15) and are tabulated once per process.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::llm {

/// General categories that pre-tokenisers ask for, one bit each. A character without case (Lm, Lo)
/// carries both letter bits: it may stand in a run of capitals and in a run of small letters.
using CharClass = uint8_t;
inline constexpr CharClass kUpper = 1;    // Lu, Lt, Lm, Lo
inline constexpr CharClass kLower = 2;    // Ll, Lm, Lo
inline constexpr CharClass kLetter = 3;   // \p{L}
inline constexpr CharClass kNumber = 4;   // \p{N}
inline constexpr CharClass kPunct = 8;    // \p{P}
inline constexpr CharClass kSymbol = 16;  // \p{S}
inline constexpr CharClass kMark = 32;    // \p{M}
inline constexpr CharClass kSpace = 64;   // White_Space, what \s means
inline constexpr CharClass kHan = 128;    // script Han, beside the category's bits

struct Char {
  char32_t code;   // U+FFFD for a byte that starts no valid sequence
  uint32_t bytes;  // 1 to 4; 1 for an invalid byte
};

/// The character at the start of `text`, which must not be empty. Strict (RFC 3629): surrogates,
/// overlong forms and cut sequences are invalid bytes.
Char decode_char(std::string_view text);
/// Appends `code` in UTF-8; `code` must be a Unicode scalar value.
void append_utf8(std::string& out, char32_t code);
/// Bytes that the sequence starting with `lead` claims to have, 1 for bytes that start none.
inline uint32_t claimed_bytes(char lead) {
  constexpr uint8_t kByHighBits[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4};
  return kByHighBits[static_cast<uint8_t>(lead) >> 4];
}

/// The script Han (Scripts.txt, Unicode 15).
bool is_han(char32_t code);

/// The classes of ASCII, known to the compiler.
inline constexpr std::array<CharClass, 128> kAsciiClasses = [] {
  std::array<CharClass, 128> classes{};
  for (char c = 'A'; c <= 'Z'; ++c) classes[c] = kUpper;
  for (char c = 'a'; c <= 'z'; ++c) classes[c] = kLower;
  for (char c = '0'; c <= '9'; ++c) classes[c] = kNumber;
  for (char c : std::string_view("!\"#%&'()*,-./:;?@[\\]_{}")) classes[c] = kPunct;
  for (char c : std::string_view("$+<=>^`|~")) classes[c] = kSymbol;
  for (char c : std::string_view(" \t\n\v\f\r")) classes[c] = kSpace;
  return classes;
}();

/// The classes of all characters. Thread-safe; built by the first caller in about a millisecond.
class CharTable {
 public:
  static const CharTable& instance();

  CharClass operator[](char32_t code) const {
    return code < 0x110000 ? blocks_[block_of_[code >> 8]][code & 0xff] : CharClass{0};
  }

 private:
  CharTable();
  using Block = std::array<CharClass, 256>;
  std::array<uint16_t, 0x1100> block_of_;  // index into blocks_, by code >> 8
  std::vector<Block> blocks_;              // equal blocks are stored once
};

}  // namespace hearth::llm
