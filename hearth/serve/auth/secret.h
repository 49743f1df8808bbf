// The secrets of API keys, and what is kept of them: hashes.
//
// A secret is 256 random bits, so that nobody finds one by trying: the hash needs none of the
// slowness that guessable passwords need, and costs a request microseconds. The salt keeps the
// hashes of two files from being compared.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::serve {

inline constexpr std::string_view kSecretPrefix = "hearth-";
/// Prefix and 64 hexadecimal digits.
inline constexpr size_t kSecretChars = kSecretPrefix.size() + 64;

using Salt = std::array<uint8_t, 16>;
using SecretHash = std::array<uint8_t, 32>;

/// A new secret, from the system's generator. Errors: unavailable (it has none).
std::string make_secret();
/// A new salt. Errors as above.
Salt make_salt();
/// SHA-256 of salt and secret (FIPS 180-4). Errors: unsupported (OpenSSL offers no SHA-256).
SecretHash hash_secret(const Salt& salt, std::string_view secret);
/// In a time that does not tell where they differ.
bool is_equal(const SecretHash& a, const SecretHash& b);

/// Two lower-case hexadecimal digits a byte.
std::string to_hex(const uint8_t* bytes, size_t count);
/// Fills `bytes`; false when `text` is not exactly 2 * `count` hexadecimal digits.
bool from_hex(std::string_view text, uint8_t* bytes, size_t count);

}  // namespace hearth::serve
