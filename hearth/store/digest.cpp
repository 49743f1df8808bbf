#include "hearth/store/digest.h"

#include <openssl/evp.h>

#include "hearth/base/error.h"

namespace hearth::store {
namespace {

constexpr size_t kPrefixChars = 7;  // "sha256:"

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string Digest::hex() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::optional<Digest> try_digest(std::string_view text) {
  if (!text.starts_with("sha256:") && !text.starts_with("sha256-")) return std::nullopt;
  text.remove_prefix(kPrefixChars);
  Digest digest;
  if (text.size() != 2 * digest.bytes.size()) return std::nullopt;
  for (size_t i = 0; i < digest.bytes.size(); ++i) {
    const int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest.bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return digest;
}

Digest parse_digest(std::string_view text) {
  if (const auto digest = try_digest(text)) return *digest;
  throw Error(Errc::invalid_argument,
              "invalid digest: \"{}\" is not sha256: and 64 hexadecimal digits",
              text.substr(0, 80));
}

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  // Fails only where OpenSSL's configuration forbids SHA-256 or the memory is gone.
  if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
    throw Error(Errc::unsupported, "SHA-256 is not offered by this OpenSSL");
}

void Sha256::update(std::span<const std::byte> bytes) {
  HEARTH_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

Digest Sha256::finish() {
  Digest digest;
  HEARTH_CHECK(EVP_DigestFinal_ex(context_.get(), digest.bytes.data(), nullptr) == 1);
  return digest;
}

Digest sha256(std::string_view text) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(text.data(), text.size())));
  return hash.finish();
}

}  // namespace hearth::store
