// Runs the built `hearth` as a user would: with arguments, a pipe or a terminal, and its exit
// status.
#pragma once
#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "hearth/base/files.h"

namespace hearth::test {

struct RunOptions {
  std::string input;               // standard input
  bool input_stays_open = false;   // a pipe that never says anything and never ends
  bool input_is_terminal = false;  // a keyboard at which nobody types, in place of the pipe
  std::map<std::string, std::string> environment;  // added to the test's own
  size_t file_bytes_max = 0;                       // no file it writes may grow beyond; 0: no limit
  std::string output_file;  // standard output goes here instead; "" collects it
  fs::path folder;          // to run in; empty: the test's own
};

struct RunResult {
  int status = -1;  // exit status, or 128 + the signal that ended it
  std::string out, err;
};

/// Runs `build/bin/hearth ARGUMENTS` and waits for its end.
RunResult run_hearth(const std::vector<std::string>& arguments, const RunOptions& options = {});

/// Whether this machine gives pseudo-terminals. A bare chroot, without /dev/pts, does not; tests
/// that need one are then skipped with kNoTerminals.
bool has_terminals();
inline constexpr const char* kNoTerminals = "no pseudo-terminals here: /dev/pts is not mounted";

/// A `hearth` on a terminal of 80 columns: what a person at the keyboard sees.
class TerminalRun {
 public:
  explicit TerminalRun(const std::vector<std::string>& arguments,
                       const std::map<std::string, std::string>& environment = {});
  ~TerminalRun();
  TerminalRun(const TerminalRun&) = delete;
  TerminalRun& operator=(const TerminalRun&) = delete;

  void type(const std::string& keys);
  /// Waits until `text` has been shown since the last successful call; false after 20 seconds or at
  /// the end.
  bool shows(const std::string& text);
  /// Waits for the end of the program and gives its status as in RunResult.
  int wait();
  /// Everything shown so far.
  const std::string& screen() const { return screen_; }

 private:
  bool read_more();

  int terminal_ = -1;
  pid_t process_ = -1;
  std::string screen_;
  size_t seen_ = 0;  // bytes of screen_ that shows() has passed
};

/// A folder that is removed with everything in it.
struct TemporaryFolder {
  TemporaryFolder();
  ~TemporaryFolder();
  fs::path path;
};

/// A model of ../shared/data, or an empty path where that folder is not there.
fs::path shared_file(const std::string& relative);

}  // namespace hearth::test
