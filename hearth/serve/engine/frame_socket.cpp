#include "hearth/serve/engine/frame_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>

#include "hearth/base/error.h"
#include "hearth/serve/engine/wire.h"

namespace hearth::serve {
namespace {

// A frame's buffer grows as its bytes arrive: a head that lies costs nothing.
constexpr size_t kReadStepBytes = size_t{1} << 20;

[[noreturn]] void throw_errno(Errc code, std::string_view what) {
  const int number = errno;
  throw Error(code, "{}: {}", what, std::strerror(number));
}

sockaddr_un address_of(const fs::path& path) {
  const std::string& text = path.native();
  if (text.size() >= kSocketPathBytesMax)
    throw Error(Errc::invalid_argument, "{}: a socket's path has at most {} bytes, this one {}",
                text, kSocketPathBytesMax - 1, text.size());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(text.begin(), text.end(), address.sun_path);
  return address;
}

FileDescriptor open_socket(int flags) {
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!fd) throw_errno(Errc::io_failure, "a socket");
  return fd;
}

void wait_until(FrameSocket& socket, std::chrono::steady_clock::time_point deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  if (!socket.wait_readable(std::chrono::ceil<std::chrono::milliseconds>(left)))
    throw Error(Errc::unavailable, "no answer within the time allowed");
}

}  // namespace

bool FrameSocket::send(std::string_view frame) {
  while (!frame.empty()) {
    const ssize_t sent = ::send(fd_.get(), frame.data(), frame.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    frame.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool FrameSocket::wait_readable(std::chrono::milliseconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  pollfd waiting{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const int ready =
        ::poll(&waiting, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT_MAX)));
    if (ready >= 0 || errno != EINTR) return ready != 0;
  }
}

bool FrameSocket::read_exactly(char* bytes, size_t size, Deadline deadline) {
  while (size > 0) {
    if (deadline) wait_until(*this, *deadline);
    const ssize_t taken = ::recv(fd_.get(), bytes, size, 0);
    if (taken < 0 && errno == EINTR) continue;
    if (taken <= 0) return false;
    bytes += taken;
    size -= static_cast<size_t>(taken);
  }
  return true;
}

std::optional<std::string> FrameSocket::receive(Deadline deadline) {
  std::string frame(kFrameHeadBytes, '\0');
  if (!read_exactly(frame.data(), frame.size(), deadline)) return std::nullopt;
  for (size_t left = frame_body_bytes(frame); left > 0;) {
    const size_t step = std::min(left, kReadStepBytes), begin = frame.size();
    frame.resize(begin + step);
    if (!read_exactly(frame.data() + begin, step, deadline)) return std::nullopt;
    left -= step;
  }
  return frame;
}

void FrameSocket::end_sending() { ::shutdown(fd_.get(), SHUT_WR); }
void FrameSocket::shut_down() { ::shutdown(fd_.get(), SHUT_RDWR); }

std::pair<FrameSocket, FrameSocket> make_socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw_errno(Errc::io_failure, "a pair of sockets");
  return {FrameSocket(FileDescriptor(ends[0])), FrameSocket(FileDescriptor(ends[1]))};
}

FileDescriptor listen_at(const fs::path& path) {
  const sockaddr_un address = address_of(path);
  FileDescriptor fd = open_socket(SOCK_NONBLOCK);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0)
    throw_errno(Errc::io_failure, path.native());
  return fd;
}

FrameSocket connect_to(const fs::path& path) {
  const sockaddr_un address = address_of(path);
  // Without SOCK_NONBLOCK a full queue of connections would hold the caller, for ever if the
  // engine is stopped.
  FileDescriptor fd = open_socket(SOCK_NONBLOCK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw_errno(Errc::unavailable, path.native());
  if (::fcntl(fd.get(), F_SETFL, 0) != 0) throw_errno(Errc::io_failure, path.native());
  return FrameSocket(std::move(fd));
}

}  // namespace hearth::serve
