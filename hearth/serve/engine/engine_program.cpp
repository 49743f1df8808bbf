#include "hearth/serve/engine/engine_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <thread>

#include "hearth/base/error.h"
#include "hearth/serve/engine/engine_server.h"
#include "hearth/serve/engine/frame_socket.h"
#include "hearth/serve/engine/wire.h"

namespace hearth::serve {
namespace {

// A model that does not come to an end must not keep its memory: then SIGALRM ends the process.
constexpr unsigned kEndWaitS = 5;

FrameSocket take_control() {
  struct stat status {};
  if (::fstat(kControlFd, &status) != 0 || !S_ISSOCK(status.st_mode))
    throw Error(Errc::invalid_argument,
                "an engine is started by hearth serve, which tells it what to load");
  ::fcntl(kControlFd, F_SETFD, FD_CLOEXEC);
  return FrameSocket(FileDescriptor(kControlFd));
}

// SIGTERM as something to poll for.
FileDescriptor open_terminations() {
  for (const int ignored : {SIGINT, SIGHUP, SIGPIPE}) ::signal(ignored, SIG_IGN);
  ::signal(SIGALRM, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);  // inherited by every thread to come
  FileDescriptor fd(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!fd) throw Error(Errc::io_failure, "signalfd: {}", std::strerror(errno));
  return fd;
}

/// Ends the process when nobody wants it any more while it loads: a loader has no way to stop.
class LoadWatch {
 public:
  LoadWatch(std::array<int, 2> ends, std::function<void()> leave)
      : loaded_(::eventfd(0, EFD_CLOEXEC)), thread_([this, ends, leave = std::move(leave)] {
          std::array<pollfd, 3> fds{{{ends[0], POLLIN | POLLRDHUP, 0},
                                     {ends[1], POLLIN | POLLRDHUP, 0},
                                     {loaded_.get(), POLLIN, 0}}};
          while (::poll(fds.data(), fds.size(), -1) < 0) continue;
          if (fds[2].revents == 0) leave();
        }) {}
  ~LoadWatch() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(loaded_.get(), &one, sizeof one);
    thread_.join();
  }
  LoadWatch(const LoadWatch&) = delete;
  LoadWatch& operator=(const LoadWatch&) = delete;

 private:
  FileDescriptor loaded_;
  std::thread thread_;
};

// A daemon that was killed does not tidy up. Its folder goes too, now that it is empty.
void remove_socket(const fs::path& socket) {
  std::error_code ignored;
  fs::remove(socket, ignored);
  fs::remove(socket.parent_path(), ignored);
}

std::unique_ptr<Engine> open_reporting(const OpenEngine& open, const ModelLoad& load,
                                       FrameSocket& control) {
  try {
    return open(load, [&](double fraction) { control.send(encode(LoadedPart{fraction})); });
  } catch (const Error& error) {
    control.send(encode(FailedReply{error.code(), error.what()}));
  } catch (const std::bad_alloc&) {
    control.send(encode(FailedReply{Errc::resource_exhausted, "the memory is not enough"}));
  } catch (const std::exception& error) {
    control.send(encode(FailedReply{Errc::io_failure, error.what()}));
  }
  return nullptr;
}

}  // namespace

void run_engine_program(const EngineProgram& program) {
  FrameSocket control = take_control();
  const FileDescriptor terminations = open_terminations();
  const std::array<int, 2> ends = {control.fd(), terminations.get()};
  const std::optional<std::string> frame = control.receive();
  if (!frame) return;
  const Call call = decode_call(*frame);
  const auto* wanted = std::get_if<LoadCall>(&call);
  if (!wanted) throw Error(Errc::invalid_argument, "an engine's first call says what to load");
  const fs::path socket = wanted->socket;

  std::unique_ptr<Engine> engine;
  {
    const LoadWatch watch(ends, [&] {
      remove_socket(socket);
      program.leave();
    });
    engine = open_reporting(program.open, wanted->load, control);
  }
  if (!engine) return;
  {
    EngineServer server(*engine, socket);
    control.send(encode(engine->facts()));
    server.run(ends);
    ::alarm(kEndWaitS);
  }
  engine.reset();
  remove_socket(socket);
}

}  // namespace hearth::serve
