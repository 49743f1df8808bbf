#include "hearth/serve/api/base64.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace hearth::serve {
namespace {

std::string encode(std::string_view text) {
  return encode_base64(std::as_bytes(std::span(text.data(), text.size())));
}

// RFC 4648, 10.
TEST(Base64, KeepsToTheVectorsOfTheStandard) {
  EXPECT_EQ(encode(""), "");
  EXPECT_EQ(encode("f"), "Zg==");
  EXPECT_EQ(encode("fo"), "Zm8=");
  EXPECT_EQ(encode("foo"), "Zm9v");
  EXPECT_EQ(encode("foob"), "Zm9vYg==");
  EXPECT_EQ(encode("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode("\xFB\xFF\xBF"), "+/+/");
}

// 1 is 00 00 80 3F and -2.5 is 00 00 20 C0, least significant byte first.
TEST(Base64, WritesFloatsLeastSignificantByteFirst) {
  EXPECT_EQ(encode_base64(std::vector<float>{1, -2.5f}), "AACAPwAAIMA=");
  EXPECT_EQ(encode_base64(std::vector<float>{}), "");
}

}  // namespace
}  // namespace hearth::serve
