#include "hearth/serve/http/client_for_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "hearth/base/error.h"

namespace hearth::http {

RawClient::RawClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  HEARTH_CHECK(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
}

RawClient::~RawClient() {
  if (socket_ >= 0) ::close(socket_);
}

void RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;  // closed by the server; what it said before can still be read
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

bool RawClient::read_some() {
  pollfd ready = {.fd = socket_, .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, 30'000) != 1) return false;
  char bytes[65536];
  const ssize_t n = ::recv(socket_, bytes, sizeof bytes, 0);
  if (n <= 0) return false;
  unread_.append(bytes, static_cast<size_t>(n));
  return true;
}

std::string RawClient::read_to_end() {
  while (read_some()) {
  }
  return std::exchange(unread_, {});
}

std::string RawClient::read_until(std::string_view text) {
  while (unread_.find(text) == std::string::npos && read_some()) {
  }
  const size_t found = unread_.find(text);
  const size_t end = found == std::string::npos ? unread_.size() : found + text.size();
  std::string taken = unread_.substr(0, end);
  unread_.erase(0, end);
  return taken;
}

std::string RawClient::read_answer() {
  std::string answer = read_until("\r\n\r\n");
  const std::string length = header_in(answer, "content-length");
  const size_t bytes = length.empty() ? 0 : std::stoul(length);
  while (unread_.size() < bytes && read_some()) {
  }
  answer += unread_.substr(0, bytes);
  unread_.erase(0, std::min(bytes, unread_.size()));
  return answer;
}

void RawClient::end_sending() { ::shutdown(socket_, SHUT_WR); }

void RawClient::reset() {
  const linger hard = {.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ::close(socket_);
  socket_ = -1;
}

bool RawClient::is_closed_within(std::chrono::milliseconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd ready = {.fd = socket_, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) != 1) return false;
    char bytes[4096];
    if (::recv(socket_, bytes, sizeof bytes, 0) <= 0) return true;
  }
}

int status_in(std::string_view answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::atoi(std::string(answer.substr(9, 3)).c_str()) : 0;
}

std::string header_in(std::string_view answer, std::string_view name) {
  const std::string_view head = answer.substr(0, answer.find("\r\n\r\n"));
  const std::string start = "\r\n" + std::string(name) + ": ";
  const size_t found = head.find(start);
  if (found == std::string_view::npos) return "";
  const std::string_view value = head.substr(found + start.size());
  return std::string(value.substr(0, value.find("\r\n")));
}

std::string body_in(std::string_view answer) {
  const size_t end = answer.find("\r\n\r\n");
  return end == std::string_view::npos ? "" : std::string(answer.substr(end + 4));
}

}  // namespace hearth::http
