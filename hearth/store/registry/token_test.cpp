// Who sees the token of a registry, and what addresses are followed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "hearth/store/registry/pull_for_test.h"
#include "hearth/store/registry/registry_session.h"

namespace hearth::store {
namespace {

using testing::HasSubstr;

constexpr const char* kBearer = "Bearer s3cret";

void deny(const HttpServerForTest& realm, ServerSocket& socket) {
  socket.answer(401, R"({"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]})",
                fmt::format("WWW-Authenticate: Bearer realm=\"http://{}/token\",service=\"reg\","
                            "scope=\"repository:library/m:pull\"\r\n",
                            realm.host()));
}

class Token : public testing::Test {
 protected:
  Token()
      : folder_("token"),
        store_(folder_.open()),
        realm_([](const SeenRequest&, ServerSocket& socket) {
          socket.answer(200, R"({"token":"s3cret","expires_in":300})");
        }) {}

  StoredModel pull(const FakeRegistry& registry) {
    return pull_model(store_, registry.name(), small_options(), kIgnoreTransfer);
  }

  StoreFolder folder_;
  ModelStore store_;
  HttpServerForTest realm_;
};

TEST_F(Token, IsFetchedAsTheRegistryAsks) {
  const FakeRegistry registry(noise(1000), [&](const SeenRequest& request, ServerSocket& socket) {
    if (request.header("authorization") == kBearer) return false;
    deny(realm_, socket);
    return true;
  });
  EXPECT_EQ(layer_text(store_, pull(registry)), registry.layer());
  ASSERT_EQ(realm_.seen().size(), 1u);
  EXPECT_EQ(realm_.seen()[0].target, "/token?service=reg&scope=repository%3Alibrary%2Fm%3Apull");
  EXPECT_EQ(realm_.seen()[0].header("authorization"), "");
}

TEST_F(Token, IsRenewedWhenItHasExpired) {
  FakeRegistry* self = nullptr;
  std::atomic<bool> has_expired = false;
  FakeRegistry registry(noise(1000), [&](const SeenRequest& request, ServerSocket& socket) {
    const bool is_right = request.header("authorization") == kBearer;
    if (is_right && (!self->is_for_layer(request) || has_expired)) return false;
    if (is_right) has_expired = true;
    deny(realm_, socket);
    return true;
  });
  self = &registry;
  EXPECT_EQ(layer_text(store_, pull(registry)), registry.layer());
  EXPECT_EQ(realm_.seen().size(), 2u);
}

TEST_F(Token, IsNotShownToTheHostThatARedirectLeadsTo) {
  const std::string layer = noise(200'000);
  const FakeRegistry elsewhere(layer);
  FakeRegistry* self = nullptr;
  FakeRegistry registry(layer, [&](const SeenRequest& request, ServerSocket& socket) {
    if (request.header("authorization") != kBearer) {
      deny(realm_, socket);
      return true;
    }
    if (!self->is_for_layer(request)) return false;
    socket.answer(
        307, "",
        fmt::format("Location: http://{}{}?signature=1\r\n", elsewhere.host(), request.target));
    return true;
  });
  self = &registry;
  EXPECT_EQ(layer_text(store_, pull(registry)), layer);
  ASSERT_FALSE(elsewhere.seen().empty());
  for (const SeenRequest& request : elsewhere.seen()) {
    EXPECT_EQ(request.header("authorization"), "");
    EXPECT_THAT(request.header("range"), HasSubstr("bytes="));
    EXPECT_THAT(request.target, HasSubstr("?signature=1"));
  }
}

TEST_F(Token, ARegistryThatWantsALoginSaysSo) {
  const FakeRegistry basic("x", [](const SeenRequest&, ServerSocket& socket) {
    socket.answer(401, "", "WWW-Authenticate: Basic realm=\"accounts\"\r\n");
    return true;
  });
  EXPECT_EQ(code_of([&] { pull(basic); }), Errc::unsupported);
  const FakeRegistry never("x", [&](const SeenRequest&, ServerSocket& socket) {
    deny(realm_, socket);
    return true;
  });
  EXPECT_THAT(message_of([&] { pull(never); }),
              HasSubstr("the registry answers 401 (authentication required); private models need a "
                        "login"));
  EXPECT_EQ(realm_.seen().size(), 1u);  // once, not for ever
}

TEST(RegistrySession, SpeaksHttpsButToThisMachine) {
  const auto scheme = [](std::string_view name, bool insecure) {
    TransferOptions options;
    options.insecure = insecure;
    return RegistrySession(parse_model_name(name), options).address("x").text();
  };
  EXPECT_EQ(scheme("m", false), "https://registry.ollama.ai:443/v2/library/m/x");
  EXPECT_EQ(scheme("hf.co/ada/M-GGUF:Q4_K_M", false), "https://hf.co:443/v2/ada/M-GGUF/x");
  EXPECT_EQ(scheme("localhost:5000/library/m", false), "http://localhost:5000/v2/library/m/x");
  EXPECT_EQ(scheme("127.0.0.1:5000/library/m", false), "http://127.0.0.1:5000/v2/library/m/x");
  EXPECT_EQ(scheme("10.0.0.7:5000/library/m", false), "https://10.0.0.7:5000/v2/library/m/x");
  EXPECT_EQ(scheme("10.0.0.7:5000/library/m", true), "http://10.0.0.7:5000/v2/library/m/x");
  EXPECT_EQ(scheme("127.0.0.1.example.com/library/m", false),
            "https://127.0.0.1.example.com:443/v2/library/m/x");
}

TEST(RegistrySession, DoesNotFollowFromHttpsToHttp) {
  const RegistrySession session(parse_model_name("example.com/a/m"), {});
  const WebAddress base = session.address("blobs/uploads/");
  EXPECT_EQ(session.follow(base, "/v2/a/m/blobs/uploads/1?state=x").text(),
            "https://example.com:443/v2/a/m/blobs/uploads/1?state=x");
  EXPECT_EQ(session.follow(base, "https://cdn.example.com/b").host, "cdn.example.com");
  for (const char* reference :
       {"http://127.0.0.1:8080/", "http://example.com/", "file:///etc/passwd", "gopher://x/",
        "https://user:secret@example.com/", "https://example.com/\r\nX: y", "https://"})
    EXPECT_EQ(code_of([&] { session.follow(base, reference); }), Errc::corrupt_data) << reference;
}

}  // namespace
}  // namespace hearth::store
