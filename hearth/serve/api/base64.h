// Base64 (RFC 4648, 4), in which embeddings travel.
#pragma once
#include <cstddef>
#include <span>
#include <string>

namespace hearth::serve {

/// With padding, without line breaks.
std::string encode_base64(std::span<const std::byte> bytes);
/// Of the values as 32-bit IEEE 754 numbers, least significant byte first on every machine.
std::string encode_base64(std::span<const float> values);

}  // namespace hearth::serve
