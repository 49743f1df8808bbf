#include "hearth/serve/auth/secret.h"

#include <gtest/gtest.h>

#include "hearth/serve/auth/folder_for_test.h"

namespace hearth::serve {
namespace {

TEST(Secret, IsNewEachTimeAndHas256Bits) {
  const std::string first = make_secret(), second = make_secret();
  EXPECT_NE(first, second);
  EXPECT_TRUE(first.starts_with("hearth-"));
  EXPECT_EQ(first.size(), kSecretChars);
  std::array<uint8_t, 32> bytes;
  EXPECT_TRUE(from_hex(first.substr(kSecretPrefix.size()), bytes.data(), bytes.size()));
}

TEST(Secret, IsKeptAsSha256OfSaltAndSecret) {
  Salt salt;
  ASSERT_TRUE(from_hex("000102030405060708090a0b0c0d0e0f", salt.data(), salt.size()));
  const SecretHash hash = hash_secret(salt, "hearth-x");
  // printf '\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17hearth-x' | sha256sum
  EXPECT_EQ(to_hex(hash.data(), hash.size()),
            "c37f20600ed6effe092b99d08883d6b8d5b7cb9a2229ab0db420ae33e0a68903");
  EXPECT_TRUE(is_equal(hash, hash_secret(salt, "hearth-x")));
  EXPECT_FALSE(is_equal(hash, hash_secret(salt, "hearth-y")));
  EXPECT_FALSE(is_equal(hash, hash_secret(make_salt(), "hearth-x")));
}

TEST(Secret, HexadecimalsAreReadStrictly) {
  uint8_t bytes[2] = {};
  EXPECT_TRUE(from_hex("0aff", bytes, 2));
  EXPECT_EQ(bytes[0], 0x0A);
  EXPECT_EQ(bytes[1], 0xFF);
  for (const char* wrong : {"", "0af", "0aff0", "0agf", "0AFF"})
    EXPECT_FALSE(from_hex(wrong, bytes, 2)) << wrong;
}

TEST(Utc, WritesDaysAndTimes) {
  EXPECT_EQ(utc_text(kNoon), "2026-11-21T15:20:48Z");
  EXPECT_EQ(utc_day(kNoon), "2026-11-21");
  EXPECT_EQ(utc_text(WallTime()), "1970-01-01T00:00:00Z");
}

TEST(Utc, TheNextDayIsAsFarAsTheClockSays) {
  // 24:00:00 - 15:20:48 = 8:39:12
  EXPECT_EQ(until_next_utc_day(kNoon).count(), 8 * 3600 + 39 * 60 + 12);
  EXPECT_EQ(until_next_utc_day(WallTime()).count(), 86400);
  EXPECT_EQ(until_next_utc_day(WallTime(std::chrono::milliseconds(86'399'999))).count(), 1);
}

}  // namespace
}  // namespace hearth::serve
