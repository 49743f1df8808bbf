#include "hearth/serve/engine/engine_child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "hearth/serve/engine/engine_program.h"

extern char** environ;

namespace hearth::serve {
namespace {

constexpr std::chrono::seconds kGoneWait{3};  // from a broken connection to the end of its process
constexpr int kAboveInherited = 10;           // descriptors here are in nobody's way

FileDescriptor raise(int fd) {
  FileDescriptor raised(::fcntl(fd, F_DUPFD_CLOEXEC, kAboveInherited));
  if (!raised) throw Error(Errc::io_failure, "a descriptor: {}", std::strerror(errno));
  return raised;
}

/// What a new process finds open, and how it stands to signals.
class SpawnPlan {
 public:
  SpawnPlan(int control, int standard_error) {
    posix_spawn_file_actions_init(&files_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files_, standard_error, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&files_, control, kControlFd);
    // Not every library closes its files by exec.
    posix_spawn_file_actions_addclosefrom_np(&files_, kControlFd + 1);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);  // Ctrl-C of a terminal is the daemon's
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  pid_t start(const fs::path& program, const std::vector<std::string>& arguments) const {
    std::string name = program.native();
    std::vector<std::string> words = arguments;
    std::vector<char*> pointers = {name.data()};
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    pid_t process = -1;
    const int number =
        ::posix_spawn(&process, name.c_str(), &files_, &attributes_, pointers.data(), environ);
    if (number != 0)
      throw Error(Errc::io_failure, "{}: cannot be started: {}", name, std::strerror(number));
    return process;
  }

 private:
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
};

// Real-time signals have no description.
std::string describe_signal(int number) {
  const char* description = ::sigdescr_np(number);
  return description ? fmt::format("signal {} ({})", number, description)
                     : fmt::format("signal {}", number);
}

std::string describe_end(int status, const std::string& last_line) {
  std::string how = "ended";
  if (WIFSIGNALED(status))
    how = "was killed by " + describe_signal(WTERMSIG(status));
  else if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
    how = fmt::format("ended with status {}", WEXITSTATUS(status));
  return last_line.empty() || status == 0 ? how : how + ": " + last_line;
}

}  // namespace

EngineChild::EngineChild(Options options) : options_(std::move(options)) {
  auto [ours, theirs] = make_socket_pair();
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
    throw Error(Errc::io_failure, "a pipe: {}", std::strerror(errno));
  FileDescriptor lines(pipe[0]);
  const FileDescriptor their_lines(pipe[1]);
  control_ = std::move(ours);
  // A daemon without standard streams has low descriptors free, which the child's would land on.
  const FileDescriptor control = raise(theirs.fd()), standard_error = raise(their_lines.get());
  process_ =
      SpawnPlan(control.get(), standard_error.get()).start(options_.program, options_.arguments);
  try {
    watcher_ = std::thread([this, fd = std::move(lines)]() mutable { watch(std::move(fd)); });
  } catch (const std::system_error& error) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    throw Error(Errc::unavailable, "an engine's watcher: {}", error.what());
  }
}

EngineChild::~EngineChild() { end(); }

void EngineChild::watch(FileDescriptor lines) {
  read_lines(lines.get());
  lines.reset();
  reap();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return is_reported_ || was_asked_; });
  if (!is_reported_ || !options_.on_exit) return;
  const EngineExit exit = *exit_;
  lock.unlock();
  options_.on_exit(exit);
}

// Until the process ends: an engine has no children who could hold its standard error.
void EngineChild::read_lines(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  while (true) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<size_t>(count));
    size_t begin = 0;
    for (size_t end; (end = text.find('\n', begin)) != text.npos; begin = end + 1)
      take_line(std::string_view(text).substr(begin, end - begin));
    text.erase(0, begin);
    if (text.size() < kEngineLineBytesMax) continue;
    take_line(text);
    text.clear();
  }
  if (!text.empty()) take_line(text);
}

void EngineChild::take_line(std::string_view line) {
  {
    const std::lock_guard lock(mutex_);
    last_line_ = line;
  }
  if (options_.on_line) options_.on_line(line);
}

void EngineChild::reap() {
  siginfo_t info{};
  // First seen, then reaped under the lock: end() never signals a process that is another's by now.
  while (::waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOWAIT) != 0 &&
         errno == EINTR)
    continue;
  const std::lock_guard lock(mutex_);
  int status = 0;
  ::waitpid(process_, &status, 0);
  exit_ = EngineExit{status, was_asked_, describe_end(status, last_line_)};
  changed_.notify_all();
}

bool EngineChild::is_alive() const {
  const std::lock_guard lock(mutex_);
  return !exit_;
}

void EngineChild::report_exit() {
  const std::lock_guard lock(mutex_);
  is_reported_ = true;
  changed_.notify_all();
}

void EngineChild::end() {
  control_.shut_down();
  {
    std::unique_lock lock(mutex_);
    was_asked_ = true;
    changed_.notify_all();
    if (!changed_.wait_for(lock, options_.end_time_max, [&] { return exit_.has_value(); }))
      ::kill(process_, SIGKILL);
  }
  const std::lock_guard lock(join_);
  if (watcher_.joinable()) watcher_.join();
}

Error EngineChild::gone(std::string_view otherwise) const {
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, kGoneWait, [&] { return exit_.has_value(); }))
    return {Errc::unavailable, "model '{}': its engine {}", options_.model, exit_->how};
  return {Errc::unavailable, "model '{}': its engine {}", options_.model, otherwise};
}

}  // namespace hearth::serve
