#include "hearth/store/registry/http_exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "hearth/store/registry/docker_registry_for_test.h"
#include "hearth/store/registry/http_server_for_test.h"
#include "hearth/store/store_folder_for_test.h"

namespace hearth::store {
namespace {

using testing::HasSubstr;

const auto ignore_body = [](const HttpAnswer&, std::span<const std::byte>) {};

HttpRequest get(const std::string& address) {
  return {.method = "GET", .address = parse_web_address(address)};
}

TEST(HttpExchange, AnswersHaveTheirLastHeadAndItsHeaders) {
  const HttpServerForTest server([](const SeenRequest&, ServerSocket& socket) {
    socket.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
    socket.answer(200, "body", "ETAG:  one \r\nEtag: two\r\n");
  });
  HttpConnection connection({}, {});
  std::string body;
  const HttpAnswer answer =
      connection.exchange(get("http://" + server.host()),
                          [&](const HttpAnswer& head, std::span<const std::byte> bytes) {
                            EXPECT_EQ(head.status, 200);
                            body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                          });
  EXPECT_TRUE(answer.is_ok());
  EXPECT_EQ(body, "body");
  EXPECT_EQ(answer.header("etag"), "two");
  EXPECT_EQ(answer.header("link"), "");
}

TEST(HttpExchange, RedirectsAreAnswersLikeOthers) {
  const HttpServerForTest server([](const SeenRequest&, ServerSocket& socket) {
    socket.answer(302, "", "Location: /elsewhere\r\n");
  });
  HttpConnection connection({}, {});
  const HttpAnswer answer = connection.exchange(get("http://" + server.host()), ignore_body);
  EXPECT_EQ(answer.status, 302);
  EXPECT_EQ(server.seen().size(), 1u);
}

TEST(HttpExchange, ASilentServerIsGivenUp) {
  const HttpServerForTest server(
      [](const SeenRequest&, ServerSocket& socket) { socket.wait_for_close(); });
  TransferLimits limits;
  limits.stall_timeout = std::chrono::seconds(1);
  HttpConnection connection(limits, {});
  const HttpAnswer answer = connection.exchange(get("http://" + server.host()), ignore_body);
  EXPECT_THAT(answer.failure, HasSubstr("127.0.0.1: Timeout was reached"));
}

TEST(HttpExchange, ABodyThatBreaksOffIsAFailure) {
  const HttpServerForTest server([](const SeenRequest&, ServerSocket& socket) {
    socket.send("HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\nhalf");
  });
  HttpConnection connection({}, {});
  const HttpAnswer answer = connection.exchange(get("http://" + server.host()), ignore_body);
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.is_ok());
  EXPECT_FALSE(answer.failure.empty());
}

/// `openssl s_server` with a certificate that nobody has signed.
class UntrustedServer {
 public:
  explicit UntrustedServer(const fs::path& folder) {
    const std::string make = fmt::format(
        "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 1 -keyout {0}/key.pem "
        "-out {0}/certificate.pem 2>/dev/null",
        folder.string());
    if (std::system(make.c_str()) != 0) return;
    port_ = free_port_for_test();
    process_ = ::fork();
    if (process_ != 0) return;
    ::chdir(folder.c_str());
    ::execlp("openssl", "openssl", "s_server", "-quiet", "-www", "-accept",
             std::to_string(port_).c_str(), "-cert", "certificate.pem", "-key", "key.pem", nullptr);
    ::_exit(127);
  }
  ~UntrustedServer() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  UntrustedServer(const UntrustedServer&) = delete;
  UntrustedServer& operator=(const UntrustedServer&) = delete;

  bool is_running() const { return process_ > 0; }
  std::string address() const { return fmt::format("https://localhost:{}/", port_); }

 private:
  pid_t process_ = -1;
  int port_ = 0;
};

TEST(HttpExchange, ACertificateThatNobodySignedIsRefused) {
  const StoreFolder folder("untrusted");
  const UntrustedServer server(folder.path());
  if (!server.is_running()) GTEST_SKIP() << "openssl cannot make a certificate";
  HttpConnection connection({}, {});
  std::string message;
  // Until the server listens, the answer is that nobody does.
  for (int i = 0; i < 300 && message.empty(); ++i) {
    message = message_of([&] { connection.exchange(get(server.address()), ignore_body); });
    if (message.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_THAT(message, HasSubstr("localhost: SSL peer certificate"));
}

}  // namespace
}  // namespace hearth::store
