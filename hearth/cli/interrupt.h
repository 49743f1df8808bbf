// Ctrl-C as something a command can wait for, instead of the end of the process.
#pragma once
#include <stop_token>

namespace hearth::cli {

/// Thrown by a command that stopped because of Ctrl-C; the program then ends with status 130.
struct Interrupted {};

/// While one exists, Ctrl-C does not end the process but requests a stop of the current token. One
/// at a time.
///
/// Threads started before it must block SIGINT (see SignalsBlocked), or the signal may hit one of
/// them; that is harmless but ends its system call early.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  /// A token for the next piece of work; an earlier Ctrl-C does not count against it.
  std::stop_token arm();
  /// True when Ctrl-C came since arm().
  bool interrupted() const;
  /// Throws Interrupted when Ctrl-C came since arm().
  void check() const {
    if (interrupted()) throw Interrupted{};
  }
};

/// Threads started while one exists never see SIGINT: the calling thread's mask is inherited by
/// them.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
};

}  // namespace hearth::cli
