#include "hearth/serve/auth/exposure.h"

#include <gtest/gtest.h>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

TEST(Exposure, LoopbackIsWhatOnlyThisMachineReaches) {
  for (const char* ip : {"127.0.0.1", "127.255.0.3", "::1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(is_loopback(ip)) << ip;
  for (const char* ip : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "::ffff:10.0.0.1", "fe80::1",
                         "localhost", "", "127.0.0.1:80"})
    EXPECT_FALSE(is_loopback(ip)) << ip;
}

TEST(Exposure, WhatIsNoAddressIsLeftToWhoListens) {
  const http::Address name[] = {{"my-box", 11434}};
  check_exposure(name, /*has_keys=*/false, /*insecure=*/false);
}

TEST(Exposure, AnAddressForOthersNeedsKeysOrAWord) {
  const http::Address inner[] = {{"127.0.0.1", 11434}, {"::1", 11434}};
  const http::Address outer[] = {{"127.0.0.1", 11434}, {"0.0.0.0", 11434}};
  check_exposure(inner, /*has_keys=*/false, /*insecure=*/false);
  check_exposure(outer, /*has_keys=*/true, /*insecure=*/false);
  check_exposure(outer, /*has_keys=*/false, /*insecure=*/true);
  try {
    check_exposure(outer, /*has_keys=*/false, /*insecure=*/false);
    FAIL() << "nobody was warned";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_argument);
    EXPECT_STREQ(error.what(),
                 "other machines could reach 0.0.0.0 and there is no API key: add one with "
                 "\"hearth key add NAME\", or let everybody in with --insecure");
  }
}

}  // namespace
}  // namespace hearth::serve
