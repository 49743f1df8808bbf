#include "hearth/store/digest.h"

#include <gtest/gtest.h>

#include <vector>

#include "hearth/base/error.h"

namespace hearth::store {
namespace {

constexpr std::string_view kAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

// The vectors of FIPS 180-2, appendix B, and the empty text.
TEST(Digest, TextsOfTheStandardHaveTheirDigests) {
  EXPECT_EQ(sha256("abc").hex(), kAbc);
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").hex(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')).hex(),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(sha256("").hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, PiecesHashLikeTheWhole) {
  Sha256 hash;
  for (const std::string_view piece : {"a", "", "bc"})
    hash.update(std::as_bytes(std::span(piece.data(), piece.size())));
  EXPECT_EQ(hash.finish().hex(), kAbc);
}

TEST(Digest, IsReadInBothSpellingsAndEitherCase) {
  std::string upper(kAbc);
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  for (const std::string& text : {"sha256:" + std::string(kAbc), "sha256-" + upper}) {
    ASSERT_TRUE(try_digest(text)) << text;
    EXPECT_EQ(try_digest(text)->text(), "sha256:" + std::string(kAbc));
  }
}

TEST(Digest, AnythingElseIsRefused) {
  const std::string hex(kAbc);
  for (const std::string& text : std::vector<std::string>{
           "", hex, "sha256:" + hex.substr(1), "sha256:" + hex + "0", "sha512:" + hex,
           "sha256:../../etc/passwd", "sha256:" + hex.substr(1) + "g", "sha256_" + hex,
           "sha256:" + hex.substr(1) + std::string(1, '\0')})
    EXPECT_THROW(parse_digest(text), Error) << text;
}

}  // namespace
}  // namespace hearth::store
