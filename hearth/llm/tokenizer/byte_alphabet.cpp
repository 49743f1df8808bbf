#include "hearth/llm/tokenizer/byte_alphabet.h"

#include <fmt/format.h>

#include <array>

#include "hearth/llm/tokenizer/unicode.h"

namespace hearth::llm {
namespace {

constexpr bool spells_itself(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) ||
         (byte >= 0xae && byte <= 0xff);
}

constexpr uint32_t kSpelledMax = 0x144;

struct Alphabet {
  std::array<char32_t, 256> spelled{};
  std::array<int16_t, kSpelledMax> byte_of{};
};

constexpr Alphabet kAlphabet = [] {
  Alphabet alphabet;
  for (auto& byte : alphabet.byte_of) byte = -1;
  char32_t other = 0x100;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    alphabet.spelled[byte] = spells_itself(byte) ? byte : other++;
    alphabet.byte_of[alphabet.spelled[byte]] = static_cast<int16_t>(byte);
  }
  return alphabet;
}();

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  out.reserve(text.size());
  size_t at = 0;
  for (size_t found; (found = text.find(from, at)) != std::string_view::npos;
       at = found + from.size()) {
    out += text.substr(at, found - at);
    out += to;
  }
  return out += text.substr(at);
}

}  // namespace

char32_t spell_byte(uint8_t byte) { return kAlphabet.spelled[byte]; }

std::optional<std::string> unspell_bytes(std::string_view spelling) {
  std::string bytes;
  bytes.reserve(spelling.size());
  while (!spelling.empty()) {
    const Char c = decode_char(spelling);
    if (c.code >= kSpelledMax || kAlphabet.byte_of[c.code] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(kAlphabet.byte_of[c.code]));
    spelling.remove_prefix(c.bytes);
  }
  return bytes;
}

std::optional<uint8_t> byte_of_hex_token(std::string_view spelling) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
  };
  if (spelling.size() != 6 || !spelling.starts_with("<0x") || spelling[5] != '>')
    return std::nullopt;
  const int high = digit(spelling[3]), low = digit(spelling[4]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<uint8_t>(high * 16 + low);
}

std::string hex_token(uint8_t byte) { return fmt::format("<0x{:02X}>", byte); }

std::string with_space_marks(std::string_view text) { return replace_all(text, " ", kSpaceMark); }
std::string without_space_marks(std::string_view text) {
  return replace_all(text, kSpaceMark, " ");
}

}  // namespace hearth::llm
