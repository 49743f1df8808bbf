// GPT-2's printable alphabet for bytes: byte-level vocabularies spell every byte as one character.
//
// Printable Latin-1 stands for itself; the other 68 bytes are U+0100 onwards (openai/gpt-2,
// encoder.py).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::llm {

/// The character that spells `byte`.
char32_t spell_byte(uint8_t byte);
/// The bytes that `spelling` stands for; nothing when it has a character outside the alphabet.
std::optional<std::string> unspell_bytes(std::string_view spelling);

/// The byte that "<0x0A>" names; nothing for another spelling.
std::optional<uint8_t> byte_of_hex_token(std::string_view spelling);
/// "<0x0A>" for 10.
std::string hex_token(uint8_t byte);

/// U+2581, which stands for a space in vocabularies that spell characters.
inline constexpr std::string_view kSpaceMark = "\xe2\x96\x81";
std::string with_space_marks(std::string_view text);
std::string without_space_marks(std::string_view text);

}  // namespace hearth::llm
