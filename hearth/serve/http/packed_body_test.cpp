#include "hearth/serve/http/packed_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "hearth/base/error.h"

namespace hearth::http {
namespace {

using testing::HasSubstr;

std::string from_hex(std::string_view digits) {
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  return bytes;
}

// "hello hello hello hello", packed by the programs gzip -9n and zstd -19.
const std::string kText = "hello hello hello hello";
const std::string kGzip = from_hex("1f8b0800000000000203cb48cdc9c957c8402701e3513d8d17000000");
const std::string kZstd = from_hex("28b52ffd24176500003068656c6c6f200100994b11175eae0d");
// Three million zeros, zstd -3 --no-check: 107 bytes.
const std::string kZeros = from_hex(
    "28b52ffd00585400001000000100fbff39c00202001000020010000200100002001000020010000200100002"
    "0010000200100002001000020010000200100002001000020010000200100002001000020010000200100002"
    "00100002001000020010000200100003360e00");
// The beginning of a frame that asks for a window of 128 MiB (zstd --long=27).
const std::string kWideWindow =
    from_hex("28b52ffd00888c00003868656c6c6f20000200e5ffb85c642e45020010");

std::string error_of(std::string_view packed, std::string_view coding, size_t bytes_max = 1 << 20) {
  try {
    unpack_body(packed, coding, bytes_max);
  } catch (const Error& error) {
    return std::string(name(error.code())) + ": " + error.what();
  }
  return "";
}

TEST(PackedBody, GivesWhatWasPacked) {
  EXPECT_EQ(unpack_body(kGzip, "gzip", kText.size()), kText);
  EXPECT_EQ(unpack_body(kZstd, "ZSTD", kText.size()), kText);
  EXPECT_EQ(unpack_body(kZeros, "zstd", 4 << 20), std::string(3'000'000, '\0'));
  EXPECT_FALSE(is_known_packing("br"));
}

TEST(PackedBody, EveryPieceAndAnythingBehindIsAnError) {
  for (const auto& [packed, coding] : {std::pair(kGzip, "gzip"), std::pair(kZstd, "zstd")}) {
    for (size_t size = 0; size < packed.size(); ++size)
      EXPECT_THAT(error_of(packed.substr(0, size), coding), HasSubstr("invalid_argument"))
          << coding << " of " << size << " bytes";
    EXPECT_THAT(error_of(packed + "x", coding), HasSubstr("invalid_argument")) << coding;
  }
  EXPECT_THAT(error_of("{}", "gzip"), HasSubstr("the body is not valid gzip: "));
}

TEST(PackedBody, NoMoreComesOutThanIsAllowed) {
  EXPECT_THAT(error_of(kZeros, "zstd"),
              HasSubstr("resource_exhausted: the body unpacked from zstd passes 1048576 bytes"));
  EXPECT_THAT(error_of(kGzip, "gzip", kText.size() - 1), HasSubstr("passes 22 bytes"));
  EXPECT_THAT(error_of(kWideWindow, "zstd"), HasSubstr("the body is not valid zstd: "));
}

}  // namespace
}  // namespace hearth::http
