// SHA-256 and the digests that name blobs. A Digest is always 32 bytes, so that text from outside
// never becomes part of a path.
#pragma once
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's, seen by digest.cpp only

namespace hearth::store {

struct Digest {
  std::array<uint8_t, 32> bytes{};

  auto operator<=>(const Digest&) const = default;
  /// 64 lower-case hexadecimal digits.
  std::string hex() const;
  /// "sha256:" and the digits, as manifests and registries write it.
  std::string text() const { return "sha256:" + hex(); }
};

/// "sha256:HEX" or "sha256-HEX" (a blob's file name) with 64 digits of either case; anything else
/// is nothing.
std::optional<Digest> try_digest(std::string_view text);
/// As above. Errors: invalid_argument.
Digest parse_digest(std::string_view text);

/// SHA-256 (FIPS 180-4) of bytes that come in pieces, by OpenSSL.
class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  /// The digest of all pieces. Nothing may be updated afterwards.
  Digest finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

Digest sha256(std::string_view text);

}  // namespace hearth::store
