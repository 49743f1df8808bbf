#include "hearth/serve/auth/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

template <size_t count>
std::array<uint8_t, count> random_bytes() {
  std::array<uint8_t, count> bytes;
  if (RAND_bytes(bytes.data(), static_cast<int>(count)) != 1)
    throw Error(Errc::unavailable, "the system's random generator gives nothing");
  return bytes;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string make_secret() {
  std::array<uint8_t, 32> bytes = random_bytes<32>();
  std::string secret = std::string(kSecretPrefix) + to_hex(bytes.data(), bytes.size());
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return secret;
}

Salt make_salt() { return random_bytes<16>(); }

SecretHash hash_secret(const Salt& salt, std::string_view secret) {
  std::string input(salt.begin(), salt.end());
  input += secret;
  SecretHash hash;
  if (EVP_Digest(input.data(), input.size(), hash.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw Error(Errc::unsupported, "SHA-256 is not offered by this OpenSSL");
  return hash;
}

bool is_equal(const SecretHash& a, const SecretHash& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string to_hex(const uint8_t* bytes, size_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * count);
  for (size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

bool from_hex(std::string_view text, uint8_t* bytes, size_t count) {
  if (text.size() != 2 * count) return false;
  for (size_t i = 0; i < count; ++i) {
    const int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

}  // namespace hearth::serve
