#include "hearth/serve/engine/engine_server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>

#include "hearth/base/error.h"
#include "hearth/serve/engine/wire.h"

namespace hearth::serve {
namespace {

// What an event of epoll belongs to; connections count on from the last.
enum Tag : uint64_t { kListener, kDone, kEnd, kFirstConnection };

// Clients that read have heard by then that the engine is ending; others are not waited for.
constexpr std::chrono::seconds kEndWait{2};

[[noreturn]] void throw_errno(std::string_view what) {
  const int number = errno;
  throw Error(Errc::io_failure, "{}: {}", what, std::strerror(number));
}

// One who is turned away hears it without holding the thread that accepts: an empty socket's
// buffer has room for this frame.
void refuse(FileDescriptor client) {
  FrameSocket(std::move(client))
      .send(encode(FailedReply{
          Errc::unavailable,
          fmt::format("{} calls are under way, the most an engine takes", kConnectionsMax)}));
}

}  // namespace

EngineServer::EngineServer(Engine& engine, const fs::path& path)
    : engine_(engine),
      listener_(listen_at(path)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      done_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      next_tag_(kFirstConnection) {
  if (!epoll_ || !done_) throw_errno("epoll");
  watch(listener_.get(), EPOLLIN, kListener);
  watch(done_.get(), EPOLLIN, kDone);
}

EngineServer::~EngineServer() {
  for (auto& [tag, connection] : connections_) connection->end();
  const auto deadline = std::chrono::steady_clock::now() + kEndWait;
  for (remove_done(); !connections_.empty(); remove_done()) {
    if (std::chrono::steady_clock::now() >= deadline) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void EngineServer::watch(int fd, uint32_t events, uint64_t tag) {
  epoll_event event{.events = events, .data = {.u64 = tag}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) throw_errno("epoll");
}

void EngineServer::run(std::span<const int> ends) {
  for (const int fd : ends) watch(fd, EPOLLIN | EPOLLRDHUP, kEnd);
  while (true) {
    std::array<epoll_event, 64> events;
    const int count =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) throw_errno("epoll");
    for (int i = 0; i < count; ++i) {
      const uint64_t tag = events[static_cast<size_t>(i)].data.u64;
      if (tag == kEnd) return;
      if (tag == kListener) accept_all();
      if (const auto found = connections_.find(tag); found != connections_.end())
        found->second->cancel();
    }
    remove_done();
    if (!engine_.is_alive()) return;
  }
}

void EngineServer::accept_all() {
  while (true) {
    FileDescriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (client) {
      begin(std::move(client));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      // The client waits in the listener's queue; until a connection ends, asking again is futile.
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

void EngineServer::begin(FileDescriptor client) {
  remove_done();
  if (connections_.size() >= kConnectionsMax) return refuse(std::move(client));
  const uint64_t tag = next_tag_++;
  const auto on_done = [done = done_.get()] {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(done, &one, sizeof one);
  };
  try {
    auto connection =
        std::make_unique<EngineConnection>(engine_, FrameSocket(std::move(client)), on_done);
    // Said once: a client that has gone stays gone.
    watch(connection->fd(), EPOLLRDHUP | EPOLLONESHOT, tag);
    connections_.emplace(tag, std::move(connection));
  } catch (const std::system_error&) {
    // No thread to be had: the client sees its connection closed, the others go on.
  }
}

void EngineServer::remove_done() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t read = ::read(done_.get(), &count, sizeof count);
  std::erase_if(connections_, [](const auto& entry) { return entry.second->is_done(); });
}

}  // namespace hearth::serve
