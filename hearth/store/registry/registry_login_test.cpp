// Where logins come from, and who is told them.
#include "hearth/store/registry/registry_login.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "hearth/store/registry/docker_registry_for_test.h"
#include "hearth/store/registry/pull_for_test.h"
#include "hearth/store/registry/registry_session.h"

namespace hearth::store {
namespace {

using testing::HasSubstr;

constexpr const char* kBasic = "Basic YWRhOnMzY3JldA==";  // ada:s3cret
// Of s3cret, by crypt(3).
constexpr const char* kHtpasswd =
    "ada:$2b$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n";

TEST(RegistryLogin, IsThatOfTheHost) {
  constexpr const char* kText = R"({"auths":{"a.example:5000":{"auth":"YWRhOnMzY3JldA=="},)"
                                R"("b.example":{"registrytoken":"t0k"}},"credHelpers":{}})";
  EXPECT_EQ(parse_login(kText, "f", "a.example:5000"), (RegistryLogin{"YWRhOnMzY3JldA==", ""}));
  EXPECT_EQ(parse_login(kText, "f", "b.example"), (RegistryLogin{"", "t0k"}));
  EXPECT_EQ(parse_login(kText, "f", "a.example"), RegistryLogin());
  EXPECT_EQ(parse_login("{}", "f", "a.example"), RegistryLogin());
  for (const char* text : {"[]", R"({"auths":[]})", R"({"auths":{"h":{"auth":7}}})"})
    EXPECT_EQ(code_of([&] { parse_login(text, "f", "h"); }), Errc::corrupt_data) << text;
  const std::string message = message_of(
      [] { parse_login(R"({"auths":{"h":{"auth":"QQ\r\nX-Evil: s3cret"}}})", "f", "h"); });
  EXPECT_THAT(message, HasSubstr("'auth': holds more than printable ASCII"));
  EXPECT_THAT(message, testing::Not(HasSubstr("s3cret")));
}

TEST(RegistryLogin, AFileThatOthersMayReadIsRefused) {
  const StoreFolder folder("login-file");
  const fs::path file = folder.write("registries.json", R"({"auths":{"h":{"auth":"QQ=="}}})");
  fs::permissions(file, fs::perms::owner_read | fs::perms::group_read);
  EXPECT_THAT(message_of([&] { find_login("h", file); }), HasSubstr("chmod 600"));
  fs::permissions(file, fs::perms::owner_read);
  EXPECT_EQ(find_login("h", file).basic, "QQ==");
  EXPECT_EQ(find_login("h", folder.path() / "none"), RegistryLogin());
  EXPECT_EQ(find_login("h", ""), RegistryLogin());
}

TEST(RegistryLogin, TheTokenOfHuggingFaceIsForHuggingFaceOnly) {
  ::setenv("HF_TOKEN", "hf_abc", 1);
  EXPECT_EQ(find_login("hf.co", "").bearer, "hf_abc");
  EXPECT_EQ(find_login("huggingface.co", "").bearer, "hf_abc");
  EXPECT_EQ(find_login("hf.co.example.com", ""), RegistryLogin());
  EXPECT_EQ(find_login("registry.ollama.ai", ""), RegistryLogin());
  ::setenv("HF_TOKEN", "hf\nX: y", 1);
  EXPECT_EQ(code_of([] { find_login("hf.co", ""); }), Errc::invalid_argument);
  ::unsetenv("HF_TOKEN");
  EXPECT_EQ(find_login("hf.co", ""), RegistryLogin());
}

TEST(RegistryLogin, NoTokenIsSentUnaskedOverAnOpenNetwork) {
  ::setenv("HF_TOKEN", "hf_abc", 1);
  const ModelName name = parse_model_name("hf.co/ada/m");
  EXPECT_EQ(RegistrySession(name, {}).authorization(), "Bearer hf_abc");
  EXPECT_EQ(RegistrySession(name, {.insecure = true}).authorization(), "");
  ::unsetenv("HF_TOKEN");
}

class Login : public testing::Test {
 protected:
  Login() : folder_("login"), store_(folder_.open()) {}

  TransferOptions options(const std::string& host, const std::string& entry) const {
    TransferOptions with_login = small_options();
    with_login.logins_file =
        folder_.write("registries.json", fmt::format(R"({{"auths":{{"{}":{}}}}})", host, entry));
    fs::permissions(with_login.logins_file, fs::perms::owner_read | fs::perms::owner_write);
    return with_login;
  }
  static void want_basic(ServerSocket& socket) {
    socket.answer(401, "", "WWW-Authenticate: Basic realm=\"ours\"\r\n");
  }

  StoreFolder folder_;
  ModelStore store_;
};

constexpr const char* kAda = R"({"auth":"YWRhOnMzY3JldA=="})";

TEST_F(Login, APasswordIsSentToTheRegistryAndToNoHostBehindARedirect) {
  const std::string layer = noise(200'000);
  const FakeRegistry elsewhere(layer);
  FakeRegistry* self = nullptr;
  FakeRegistry registry(layer, [&](const SeenRequest& request, ServerSocket& socket) {
    if (request.header("authorization") != kBasic) {
      want_basic(socket);
      return true;
    }
    if (!self->is_for_layer(request)) return false;
    socket.answer(307, "",
                  fmt::format("Location: http://{}{}\r\n", elsewhere.host(), request.target));
    return true;
  });
  self = &registry;
  const StoredModel model =
      pull_model(store_, registry.name(), options(registry.host(), kAda), kIgnoreTransfer);
  EXPECT_EQ(layer_text(store_, model), layer);
  EXPECT_EQ(registry.seen().front().header("authorization"), "");  // not before it is asked for
  ASSERT_FALSE(elsewhere.seen().empty());
  for (const SeenRequest& request : elsewhere.seen())
    EXPECT_EQ(request.header("authorization"), "");
}

TEST_F(Login, AWrongPasswordIsSentOnceAndNotShown) {
  const FakeRegistry registry("x", [](const SeenRequest&, ServerSocket& socket) {
    want_basic(socket);
    return true;
  });
  const std::string message = message_of([&] {
    pull_model(store_, registry.name(), options(registry.host(), kAda), kIgnoreTransfer);
  });
  EXPECT_THAT(message, HasSubstr("the registry answers 401; private models need a login"));
  EXPECT_THAT(message, testing::Not(HasSubstr("YWRh")));
  EXPECT_EQ(registry.seen().size(), 2u);
}

TEST_F(Login, APasswordGetsATokenFromTheRegistrysOwnHost) {
  const HttpServerForTest realm([](const SeenRequest& request, ServerSocket& socket) {
    if (request.header("authorization") != kBasic) return want_basic(socket);
    socket.answer(200, R"({"token":"t0k"})");
  });
  const FakeRegistry registry(noise(1000), [&](const SeenRequest& request, ServerSocket& socket) {
    if (request.header("authorization") == "Bearer t0k") return false;
    socket.answer(
        401, "",
        fmt::format("WWW-Authenticate: Bearer realm=\"http://{}/token\"\r\n", realm.host()));
    return true;
  });
  const StoredModel model =
      pull_model(store_, registry.name(), options(registry.host(), kAda), kIgnoreTransfer);
  EXPECT_EQ(layer_text(store_, model), registry.layer());
}

TEST_F(Login, OverHttpNoOtherHostMayCollectThePassword) {
  const HttpServerForTest realm(
      [](const SeenRequest&, ServerSocket& socket) { socket.answer(200, R"({"token":"t0k"})"); });
  const std::string port = realm.host().substr(realm.host().find(':'));
  const FakeRegistry registry("x", [&](const SeenRequest& request, ServerSocket& socket) {
    if (request.header("authorization") == "Bearer t0k") return false;
    socket.answer(401, "",
                  fmt::format("WWW-Authenticate: Bearer realm=\"http://localhost{}/\"\r\n", port));
    return true;
  });
  pull_model(store_, registry.name(), options(registry.host(), kAda), kIgnoreTransfer);
  ASSERT_EQ(realm.seen().size(), 1u);
  EXPECT_EQ(realm.seen()[0].header("authorization"), "");
}

TEST_F(Login, ATokenOfTheUsersIsSentFromTheBeginning) {
  const FakeRegistry registry(noise(1000), [](const SeenRequest& request, ServerSocket& socket) {
    if (request.header("authorization") == "Bearer t0k") return false;
    socket.answer(401, "");
    return true;
  });
  pull_model(store_, registry.name(), options(registry.host(), R"({"registrytoken":"t0k"})"),
             kIgnoreTransfer);
  EXPECT_EQ(registry.seen().front().header("authorization"), "Bearer t0k");
}

TEST_F(Login, ARealRegistryLetsInWhoItKnows) {
  std::string why_not;
  const auto registry = DockerRegistry::try_start(folder_.path(), why_not, kHtpasswd);
  if (!registry) GTEST_SKIP() << why_not;
  const ModelName name = parse_model_name(registry->host() + "/ada/m");
  const std::string text = noise(300'000);
  add_model(store_, name.full(), {text});
  EXPECT_EQ(code_of([&] { push_model(store_, name, small_options(), kIgnoreTransfer); }),
            Errc::unsupported);
  const TransferOptions login = options(registry->host(), kAda);
  push_model(store_, name, login, kIgnoreTransfer);
  store_.remove(name);
  EXPECT_EQ(code_of([&] { pull_model(store_, name, small_options(), kIgnoreTransfer); }),
            Errc::unsupported);
  EXPECT_EQ(layer_text(store_, pull_model(store_, name, login, kIgnoreTransfer)), text);
}

}  // namespace
}  // namespace hearth::store
