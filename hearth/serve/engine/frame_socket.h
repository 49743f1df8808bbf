// One end of a connection between daemon and engine: whole frames, blocking, no JSON.
#pragma once
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "hearth/serve/engine/file_descriptor.h"

namespace hearth::serve {

namespace fs = std::filesystem;

/// Bytes of a unix socket's path at most, its end included (sockaddr_un of Linux).
inline constexpr size_t kSocketPathBytesMax = 108;

/// One thread sends and one receives; shut_down() from any.
class FrameSocket {
 public:
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;  // nothing: no limit

  FrameSocket() = default;
  explicit FrameSocket(FileDescriptor fd) : fd_(std::move(fd)) {}

  /// Waits until all of `frame` is in the kernel; false when the other end has gone.
  bool send(std::string_view frame);
  /// Waits for the next frame; nothing when the other end has gone, also in the middle of one.
  /// Errors: unavailable (the deadline passed), and those of frame_body_bytes().
  std::optional<std::string> receive(Deadline deadline = {});

  /// True when something can be received, or the other end has gone.
  bool wait_readable(std::chrono::milliseconds time);

  /// Nothing more is sent: the other end sees it at once.
  void end_sending();
  /// Nothing more is sent or received: both ends see it at once.
  void shut_down();

  int fd() const { return fd_.get(); }

 private:
  bool read_exactly(char* bytes, size_t size, Deadline deadline);

  FileDescriptor fd_;
};

/// Two ends connected to each other, closed by exec. Errors: io_failure.
std::pair<FrameSocket, FrameSocket> make_socket_pair();
/// A socket that listens at `path`, where nothing may be yet. Errors: invalid_argument (longer than
/// kSocketPathBytesMax), io_failure.
FileDescriptor listen_at(const fs::path& path);
/// Connects to who listens at `path`, without waiting. Errors: unavailable (nobody does, or too
/// many wait there), invalid_argument, io_failure.
FrameSocket connect_to(const fs::path& path);

}  // namespace hearth::serve
