// A child process that is an engine: started, listened to, and seen to its end.
#pragma once
#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/serve/engine/frame_socket.h"

namespace hearth::serve {

/// Of what a process writes to its standard error, longer lines are given in parts.
inline constexpr size_t kEngineLineBytesMax = 8192;

struct EngineExit {
  int status = 0;          // as wait(2) gives it
  bool was_asked = false;  // by EngineChild::end()
  std::string how;         // "was killed by signal 9 (Killed)", "ended with status 7: LAST LINE"
};

/// Thread-safe.
class EngineChild {
 public:
  struct Options {
    fs::path program;
    std::vector<std::string> arguments;
    std::string model;                               // named in errors
    std::chrono::milliseconds end_time_max;          // from asking to killing
    std::function<void(std::string_view)> on_line;   // of its standard error; may be empty
    std::function<void(const EngineExit&)> on_exit;  // may be empty
  };

  /// Starts the program in a process group of its own, with nothing open but standard error and
  /// the other end of control(), which is its kControlFd. Errors: io_failure (cannot be started),
  /// unavailable (no thread to be had).
  explicit EngineChild(Options options);
  /// As end().
  ~EngineChild();
  EngineChild(const EngineChild&) = delete;
  EngineChild& operator=(const EngineChild&) = delete;

  FrameSocket& control() { return control_; }
  pid_t process_id() const { return process_; }
  bool is_alive() const;
  /// From now on the end of the process is reported to on_exit, once, by a thread of this object's
  /// own, also when it came before this call. Without this call it is not reported.
  void report_exit();
  /// Asks the process to end, kills it when it does not, and waits until it has gone and on_exit
  /// has returned.
  void end();

  /// What to say of a connection that broke: how the process ended, or `otherwise` when it lives
  /// on. Waits for that end a moment.
  Error gone(std::string_view otherwise) const;

 private:
  void watch(FileDescriptor lines);
  void read_lines(int fd);
  void take_line(std::string_view line);
  void reap();

  const Options options_;
  FrameSocket control_;
  pid_t process_ = -1;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::optional<EngineExit> exit_;  // guarded, as all that follows
  bool was_asked_ = false;
  bool is_reported_ = false;
  std::string last_line_;
  std::mutex join_;
  std::thread watcher_;
};

}  // namespace hearth::serve
