// `hearth serve` in the foreground: what it says, how Ctrl-C ends it, what it says when it cannot
// begin.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <regex>

#include "hearth/base/error.h"
#include "tests/cli/program.h"

namespace hearth::test {
namespace {

using testing::HasSubstr;

constexpr int kPatienceMs = 30'000;
const std::string kCtrlC = "\x03";

/// A socket of this test on 127.0.0.1.
class Socket {
 public:
  Socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  uint16_t listen() {
    socklen_t size = sizeof address_;
    auto* address = reinterpret_cast<sockaddr*>(&address_);
    HEARTH_CHECK(::bind(fd_, address, size) == 0 && ::listen(fd_, 1) == 0);
    HEARTH_CHECK(::getsockname(fd_, address, &size) == 0);
    return ntohs(address_.sin_port);
  }
  void connect(uint16_t port) {
    address_.sin_port = htons(port);
    HEARTH_CHECK(::connect(fd_, reinterpret_cast<sockaddr*>(&address_), sizeof address_) == 0);
  }
  void send(const std::string& text) { ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }
  std::string receive() {
    pollfd ready = {.fd = fd_, .events = POLLIN, .revents = 0};
    char bytes[4096];
    const ssize_t n = ::poll(&ready, 1, kPatienceMs) == 1 ? ::recv(fd_, bytes, sizeof bytes, 0) : 0;
    return {bytes, static_cast<size_t>(std::max<ssize_t>(n, 0))};
  }

 private:
  int fd_;
  sockaddr_in address_ = {};
};

class Serve : public testing::Test {
 protected:
  std::map<std::string, std::string> environment(const std::string& host = "127.0.0.1:0") const {
    return {{"HEARTH_HOME", home_.path.string()}, {"HEARTH_HOST", host}};
  }
  static uint16_t port_in(const std::string& screen) {
    std::smatch found;
    HEARTH_CHECK(std::regex_search(screen, found, std::regex("http://127\\.0\\.0\\.1:([0-9]+)")));
    return static_cast<uint16_t>(std::atoi(found[1].str().c_str()));
  }

  TemporaryFolder home_;
};

TEST_F(Serve, SaysWhereItListensAndWhereModelsAreThenALineForEachRequest) {
  if (!has_terminals()) GTEST_SKIP() << kNoTerminals;
  TerminalRun serve({"serve"}, environment());
  ASSERT_TRUE(serve.shows("hearth listens on  http://127.0.0.1:")) << serve.screen();
  ASSERT_TRUE(serve.shows("models are in      " + (home_.path / "models").string()));
  ASSERT_TRUE(serve.shows("a second one at once"));
  Socket client;
  client.connect(port_in(serve.screen()));
  client.send("GET /api/version?secret HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(client.receive(), HasSubstr("200 OK"));
  EXPECT_TRUE(serve.shows(" 200 GET /api/version  ")) << serve.screen();
  EXPECT_THAT(serve.screen(), testing::Not(HasSubstr("secret")));
  serve.type(kCtrlC);
  EXPECT_EQ(serve.wait(), 0) << serve.screen();
}

TEST_F(Serve, ASecondCtrlCDoesNotWaitForWhatIsUnderWay) {
  if (!has_terminals()) GTEST_SKIP() << kNoTerminals;
  TerminalRun serve({"serve", "--drain", "1h"}, environment());
  ASSERT_TRUE(serve.shows("a second one at once")) << serve.screen();
  Socket client;
  client.connect(port_in(serve.screen()));
  // A blob that never arrives whole.
  client.send("POST /api/blobs/sha256:" + std::string(64, '0') +
              " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_THAT(client.receive(), HasSubstr("100 Continue"));
  serve.type(kCtrlC);
  ASSERT_TRUE(serve.shows("serve.ends")) << serve.screen();
  serve.type(kCtrlC);
  EXPECT_EQ(serve.wait(), 130) << serve.screen();
}

TEST_F(Serve, ABusyPortIsNamedWithTheWaysOut) {
  Socket other;
  const std::string host = "127.0.0.1:" + std::to_string(other.listen());
  const RunResult result = run_hearth({"serve"}, {.environment = environment(host)});
  EXPECT_EQ(result.status, 4);
  EXPECT_THAT(result.err, HasSubstr("address " + host + " is in use"));
  EXPECT_THAT(result.err, HasSubstr("--host ADDRESS:PORT"));
}

TEST_F(Serve, AHostThatIsNoAddressIsCalledThat) {
  const RunResult result = run_hearth({"serve"}, {.environment = environment("my-box:11434")});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("'my-box' is no IP address to listen on"));
}

}  // namespace
}  // namespace hearth::test
