#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>

#include "hearth/base/error.h"
#include "hearth/base/files.h"
#include "hearth/serve/http/server_for_test.h"

namespace hearth::http {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string output_of(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string output;
  char bytes[4096];
  while (const size_t n = fread(bytes, 1, sizeof bytes, pipe)) output.append(bytes, n);
  pclose(pipe);
  return output;
}

// A certificate of its own for localhost, made anew: none that is stored could expire unnoticed.
class HttpTls : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/hearth_tls_XXXXXX";
    folder_ = mkdtemp(name);
    output_of(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout " +
        (folder_ / "key.pem").string() + " -out " + (folder_ / "cert.pem").string());
  }
  void TearDown() override { fs::remove_all(folder_); }

  ServerOptions options() const {
    ServerOptions options;
    options.tls = TlsFiles{folder_ / "cert.pem", folder_ / "key.pem"};
    return options;
  }
  std::string curl(const ServerForTest& test, const std::string& path,
                   const std::string& more = "") const {
    return output_of("curl -sS --max-time 30 --cacert " + (folder_ / "cert.pem").string() + " " +
                     more + " https://127.0.0.1:" + std::to_string(test.port()) + path);
  }

  fs::path folder_;
};

TEST_F(HttpTls, AnswersAndStreams) {
  ServerForTest test(options());
  EXPECT_EQ(curl(test, "/hello"), "hello");
  EXPECT_EQ(curl(test, "/lines/2"), "{\"i\":0}\n{\"i\":1}\n");
  EXPECT_EQ(curl(test, "/echo", "-d " + std::string(50'000, 'a')), std::string(50'000, 'a'));
}

TEST_F(HttpTls, NoticesWhoLeaves) {
  ServerForTest test(options());
  // In the background, until the server holds its request.
  const std::string process = output_of(
      "curl -sS --max-time 30 --cacert " + (folder_ / "cert.pem").string() +
      " https://127.0.0.1:" + std::to_string(test.port()) + "/wait >/dev/null 2>&1 & echo $!");
  ASSERT_TRUE(test.wait_for_waiting(1));
  ASSERT_EQ(::kill(std::atoi(process.c_str()), SIGKILL), 0);
  EXPECT_TRUE(test.wait_for_gone(1));
}

TEST_F(HttpTls, HangsUpOnWhoSpeaksPlainText) {
  ServerForTest test(options());
  RawClient client(test.port());
  client.send(get("/hello"));
  EXPECT_EQ(status_in(client.read_to_end()), 0);
  EXPECT_EQ(curl(test, "/hello"), "hello");
}

TEST_F(HttpTls, NamesTheFileThatCannotBeUsedAndSaysWhy) {
  output_of("openssl ecparam -name prime256v1 -genkey -noout -out " +
            (folder_ / "other.pem").string());
  const auto error_of = [&](const char* certificate, const char* key) {
    ServerOptions wrong;
    wrong.listen = {{"127.0.0.1", 0}};
    wrong.tls = TlsFiles{folder_ / certificate, folder_ / key};
    Server server(Router{}, std::move(wrong));
    try {
      server.start();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument);
      return std::string(error.what());
    }
    return std::string("started");
  };
  EXPECT_THAT(error_of("none.pem", "key.pem"), HasSubstr("none.pem': No such file"));
  EXPECT_THAT(error_of("cert.pem", "none.pem"), HasSubstr("none.pem': No such file"));
  EXPECT_THAT(error_of("key.pem", "key.pem"), HasSubstr("key.pem' holds no PEM certificate"));
  EXPECT_THAT(error_of("cert.pem", "cert.pem"), HasSubstr("cert.pem' holds no PEM private key"));
  EXPECT_THAT(error_of("cert.pem", "other.pem"),
              AllOf(HasSubstr("other.pem' does not belong to"), HasSubstr("cert.pem'")));
}

}  // namespace
}  // namespace hearth::http
