#include "hearth/store/registry/auth_challenge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/store/store_folder_for_test.h"

namespace hearth::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(AuthChallenge, TheExampleOfTheSpecificationIsRead) {
  // Docker's registry specification, "Token authentication", step 2.
  const auto challenge = try_bearer_challenge(
      "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
      "scope=\"repository:samalba/my-app:pull,push\"");
  ASSERT_TRUE(challenge);
  EXPECT_EQ(challenge->realm, "https://auth.docker.io/token");
  EXPECT_EQ(challenge->service, "registry.docker.io");
  EXPECT_THAT(challenge->scopes, ElementsAre("repository:samalba/my-app:pull,push"));
}

TEST(AuthChallenge, OtherSpellingsMeanTheSame) {
  const auto challenge =
      try_bearer_challenge("Basic realm=\"x\", BEARER  Realm = https://a/t , scope=\"a b\"");
  ASSERT_TRUE(challenge);
  // RFC 7235 wants such a realm in quotes; as far as it is a token it is understood.
  EXPECT_EQ(challenge->realm, "https");
  EXPECT_EQ(try_bearer_challenge("Bearer realm=\"a\\\"b\"")->realm, "a\"b");
  EXPECT_EQ(try_bearer_challenge("Bearer realm=\"a\", Basic realm=\"b\"")->realm, "a");
  EXPECT_THAT(try_bearer_challenge("Bearer realm=\"a\",scope=\"r:a:pull  r:b:pull\"")->scopes,
              ElementsAre("r:a:pull", "r:b:pull"));
  EXPECT_THAT(try_bearer_challenge("Bearer realm=\"a\",scope=\"\"")->scopes, IsEmpty());
}

TEST(AuthChallenge, AnythingElseIsNone) {
  for (const char* header : {"", "Bearer", "Basic realm=\"x\"", "Bearer service=\"x\"",
                             "realm=\"x\"", ",,,", "\"\"\"", "Bearer realm=", "Bearer realm=\""})
    EXPECT_FALSE(try_bearer_challenge(header)) << header;
}

TEST(AuthChallenge, TokensThatCouldEndAHeaderAreRefused) {
  EXPECT_EQ(parse_token(R"({"token":"abc.DEF-_"})"), "abc.DEF-_");
  EXPECT_EQ(parse_token(R"({"access_token":"abc"})"), "abc");
  for (const char* json :
       {"", "[]", "{}", R"({"token":7})", R"({"token":"a\r\nX-Evil: b"})", R"({"token":"a b"})"})
    EXPECT_EQ(code_of([&] { parse_token(json); }), Errc::corrupt_data) << json;
}

TEST(AuthChallenge, APasswordIsAskedForByTheSchemeAlone) {
  EXPECT_TRUE(has_basic_challenge("Basic realm=\"ours\""));
  EXPECT_TRUE(has_basic_challenge("Negotiate, bAsIc realm=x"));
  EXPECT_TRUE(has_basic_challenge("Basic"));
  EXPECT_FALSE(has_basic_challenge("Digest realm=\"a, Basic b\""));
  EXPECT_FALSE(has_basic_challenge("Digest basic=1"));
  EXPECT_FALSE(has_basic_challenge(""));
}

}  // namespace
}  // namespace hearth::store
