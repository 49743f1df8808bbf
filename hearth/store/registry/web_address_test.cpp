#include "hearth/store/registry/web_address.h"

#include <gtest/gtest.h>

#include "hearth/store/store_folder_for_test.h"

namespace hearth::store {
namespace {

TEST(WebAddress, PartsAreReadWithTheirDefaults) {
  const WebAddress address = parse_web_address("https://Example.COM/v2/a?b=c#d");
  EXPECT_EQ(address.scheme, "https");
  EXPECT_EQ(address.host, "example.com");
  EXPECT_EQ(address.port, 443);
  EXPECT_EQ(address.target, "/v2/a?b=c");
  EXPECT_EQ(parse_web_address("http://[::1]:5000").text(), "http://[::1]:5000/");
}

TEST(WebAddress, HostileTextsAreRefused) {
  for (const std::string text :
       {"", "example.com", "ftp://example.com/", "file:///etc/passwd", "https://user@example.com/",
        "https://u:p@example.com/", "https://exa mple.com/", "https://example.com:99999/",
        "https://example.com/\n", "https://\xC3\xA9.com/", "javascript:alert(1)"})
    EXPECT_EQ(code_of([&] { parse_web_address(text); }), Errc::invalid_argument) << text;
  EXPECT_EQ(code_of([] { parse_web_address("https://a/" + std::string(9000, 'x')); }),
            Errc::invalid_argument);
}

TEST(WebAddress, ReferencesAreResolvedAsTheStandardSays) {
  // RFC 3986, section 5.4.1, as far as registries use it.
  const WebAddress base = parse_web_address("http://a/b/c/d;p?q");
  EXPECT_EQ(resolve(base, "g").text(), "http://a:80/b/c/g");
  EXPECT_EQ(resolve(base, "/g").text(), "http://a:80/g");
  EXPECT_EQ(resolve(base, "//g").text(), "http://g:80/");
  EXPECT_EQ(resolve(base, "g?y").text(), "http://a:80/b/c/g?y");
  EXPECT_EQ(resolve(base, "../g").text(), "http://a:80/b/g");
  EXPECT_EQ(resolve(base, "https://x:8443/y").text(), "https://x:8443/y");
}

TEST(WebAddress, ParametersAreAddedEncoded) {
  const WebAddress plain = parse_web_address("http://a/b");
  EXPECT_EQ(with_parameter(plain, "digest", "sha256:0f").target, "/b?digest=sha256%3A0f");
  EXPECT_EQ(with_parameter(parse_web_address("http://a/b?_state=x"), "d", "a b&c").target,
            "/b?_state=x&d=a%20b%26c");
}

TEST(WebAddress, AnOriginIsSchemeHostAndPort) {
  const WebAddress a = parse_web_address("https://a/x");
  EXPECT_TRUE(is_same_origin(a, parse_web_address("https://A:443/y?z")));
  EXPECT_FALSE(is_same_origin(a, parse_web_address("http://a:443/x")));
  EXPECT_FALSE(is_same_origin(a, parse_web_address("https://a:444/x")));
  EXPECT_FALSE(is_same_origin(a, parse_web_address("https://b.a/x")));
}

TEST(WebAddress, LoopbackIsThisMachineAndNothingThatOnlyLooksLikeIt) {
  for (const char* host : {"localhost", "127.0.0.1", "127.8.9.10", "[::1]"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
  for (const char* host : {"127.0.0.1.example.com", "localhost.example.com", "128.0.0.1",
                           "10.0.0.1", "[::2]", "127.evil"})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

}  // namespace
}  // namespace hearth::store
