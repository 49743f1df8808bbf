#include "hearth/store/registry/http_server_for_test.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "hearth/base/error.h"

namespace hearth::store {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \r");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \r") - first + 1));
}

bool receive_more(int fd, std::string& text) {
  char buffer[16384];
  const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
  if (got <= 0) return false;
  text.append(buffer, static_cast<size_t>(got));
  return true;
}

/// Nothing when the client closed before its request was whole.
std::optional<SeenRequest> receive(int fd) {
  std::string text;
  size_t head_end = 0;
  while ((head_end = text.find("\r\n\r\n")) == std::string::npos)
    if (!receive_more(fd, text)) return std::nullopt;
  SeenRequest request;
  size_t at = text.find("\r\n");
  const std::string line = text.substr(0, at);
  request.method = line.substr(0, line.find(' '));
  request.target = line.substr(request.method.size() + 1, line.rfind(' ') - line.find(' ') - 1);
  while (at < head_end) {
    const size_t next = text.find("\r\n", at + 2);
    const std::string header = text.substr(at + 2, next - at - 2);
    const size_t colon = header.find(':');
    request.headers[lower(header.substr(0, colon))] = trim(header.substr(colon + 1));
    at = next;
  }
  const std::string length = request.header("content-length");
  const size_t end = head_end + 4 + (length.empty() ? 0 : std::stoul(length));
  while (text.size() < end)
    if (!receive_more(fd, text)) return std::nullopt;
  request.body = text.substr(head_end + 4);
  return request;
}

}  // namespace

bool ServerSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

void ServerSocket::answer(int status, std::string_view body, std::string_view headers) {
  send(fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}", status,
                   body.size(), headers, body));
}

void ServerSocket::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void ServerSocket::wait_for_close() {
  std::string ignored;
  while (receive_more(fd_, ignored)) {
  }
}

HttpServerForTest::HttpServerForTest(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  HEARTH_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  HEARTH_CHECK(::listen(listener_, 64) == 0);
  HEARTH_CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  host_ = fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
  acceptor_ = std::thread([this] { accept_all(); });
}

HttpServerForTest::~HttpServerForTest() {
  is_ending_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
}

std::vector<SeenRequest> HttpServerForTest::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

void HttpServerForTest::accept_all() {
  while (!is_ending_) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const std::lock_guard lock(mutex_);
    open_.push_back(fd);
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

void HttpServerForTest::serve(int fd) {
  ServerSocket socket(fd);
  if (const auto request = receive(fd)) {
    {
      const std::lock_guard lock(mutex_);
      seen_.push_back(*request);
    }
    handler_(*request, socket);
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_, fd);
  ::close(fd);
}

}  // namespace hearth::store
