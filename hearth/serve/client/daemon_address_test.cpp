#include "hearth/serve/client/daemon_address.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

TEST(DaemonAddress, EveryFormOfOllamaIsUnderstood) {
  // The expectations are those of Ollama's documentation of OLLAMA_HOST.
  const std::pair<const char*, const char*> rows[] = {
      {"", "http://127.0.0.1:11434"},
      {"example.org", "http://example.org:11434"},
      {"example.org:8080", "http://example.org:8080"},
      {":8080", "http://127.0.0.1:8080"},
      {"http://example.org", "http://example.org:80"},
      {"https://example.org", "https://example.org:443"},
      {"https://example.org:8443/models/", "https://example.org:8443/models"},
      {"[::1]:8080", "http://[::1]:8080"},
      {"::1", "http://[::1]:11434"},
      {"[::1]", "http://[::1]:11434"},
      {"0.0.0.0", "http://0.0.0.0:11434"},
  };
  for (const auto& [text, url] : rows) EXPECT_EQ(parse_daemon_address(text).url(), url) << text;
}

TEST(DaemonAddress, NonsenseIsRefusedByName) {
  for (const char* text : {"ftp://a", "a:b", "a:70000", "[::1", "[::1]x", "a b:1", ":-1"})
    EXPECT_THROW(parse_daemon_address(text), Error) << text;
}

TEST(DaemonAddress, HearthsVariableWinsOverOllamas) {
  setenv("OLLAMA_HOST", "one:1", 1);
  setenv("HEARTH_HOST", "two:2", 1);
  EXPECT_EQ(daemon_address_from_environment().url(), "http://two:2");
  unsetenv("HEARTH_HOST");
  EXPECT_EQ(daemon_address_from_environment().url(), "http://one:1");
  setenv("OLLAMA_HOST", "one:x", 1);
  try {
    daemon_address_from_environment();
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "OLLAMA_HOST: 'x' is no port: 0 to 65535");
  }
  unsetenv("OLLAMA_HOST");
  EXPECT_EQ(daemon_address_from_environment().url(), "http://127.0.0.1:11434");
}

TEST(DaemonAddress, EveryAddressIsReachedAtLoopback) {
  EXPECT_EQ(client_address(parse_daemon_address("0.0.0.0:1")).url(), "http://127.0.0.1:1");
  EXPECT_EQ(client_address(parse_daemon_address("[::]:1")).url(), "http://[::1]:1");
}

TEST(DaemonAddress, KnowsThisMachinesOwn) {
  for (const char* text :
       {"", "localhost:1", "127.0.0.1:1", "127.1.2.3", "[::1]:5", "http://a.localhost"})
    EXPECT_TRUE(is_loopback(parse_daemon_address(text))) << text;
  EXPECT_TRUE(is_loopback(client_address(parse_daemon_address("0.0.0.0"))));
  for (const char* text : {"box", "10.0.0.127", "[fe80::1]", "127box:1", "localhost.example"})
    EXPECT_FALSE(is_loopback(parse_daemon_address(text))) << text;
}

}  // namespace
}  // namespace hearth::serve
