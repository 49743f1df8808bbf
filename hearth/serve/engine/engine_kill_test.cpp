// Engines and daemons that are killed at any moment: what their clients see, and what stays behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <mutex>
#include <thread>

#include "hearth/base/error.h"
#include "hearth/base/rng.h"
#include "hearth/serve/engine/engine_process.h"
#include "hearth/serve/engine/engine_waits_for_test.h"
#include "hearth/serve/engine/fake_engine_for_test.h"

namespace hearth::serve {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using testing::HasSubstr;

constexpr int kKills = 100;
constexpr int kClients = 5;

// When the process was killed; before that, the far future.
using KillTime = std::atomic<Clock::time_point>;

// Kills the process that a line of fake_engine names, some time after it was written.
class Killer {
 public:
  explicit Killer(microseconds delay) : delay_(delay) {}
  ~Killer() {
    if (thread_.joinable()) thread_.join();
  }
  Killer(const Killer&) = delete;
  Killer& operator=(const Killer&) = delete;

  void take_line(std::string_view line) {
    constexpr std::string_view kPrefix = "process ";
    int process = 0;
    if (!line.starts_with(kPrefix)) return;
    std::from_chars(line.data() + kPrefix.size(), line.data() + line.size(), process);
    thread_ = std::thread([this, process] {
      std::this_thread::sleep_for(delay_);
      killed_.store(Clock::now());
      ::kill(process, SIGKILL);
    });
  }
  /// Since the kill; zero when it is still to come.
  Clock::duration elapsed() const {
    return std::max(Clock::now() - killed_.load(), Clock::duration::zero());
  }

 private:
  const microseconds delay_;
  KillTime killed_{Clock::time_point::max()};
  std::thread thread_;
};

// One call of any kind.
void call_something(EngineProcess& engine, Rng& rng) {
  switch (rng.below(5)) {
    case 0:
      while (engine.answer(script("wait"))->next()) continue;
      break;
    case 1:
      engine.embed({.inputs = {"wait"}}, {});
      break;
    case 2:
      engine.tokenize(std::string(500'000, 'a'), true, true);
      break;
    default: {
      const auto stream = engine.answer(script("count 50 100"));
      while (stream->next()) continue;
      EXPECT_EQ(stream->end().generated_tokens, 50);  // whole, or an error
    }
  }
}

// Calls until the engine is dead, which must then be what the error says.
void call_until_dead(EngineProcess& engine, uint64_t seed) {
  Rng rng(seed);
  try {
    while (true) call_something(engine, rng);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::unavailable);
    EXPECT_THAT(error.what(), HasSubstr("model 'fake:1': its engine was killed by signal 9"));
  }
}

// The longest that somebody had to wait after the kill.
Clock::duration run_and_kill(uint64_t seed) {
  Rng rng(seed);
  // A third dies while it loads, some with nothing to do, the others with calls under way.
  const bool is_slow = seed % 3 == 0, is_idle = seed % 7 == 1;
  Killer killer(microseconds(rng.below(is_slow ? 8'000 : 30'000)));
  std::atomic<int> exits{0};
  Clock::duration longest{};
  EngineProcessOptions options{.program = HEARTH_FAKE_ENGINE, .arguments = {}};
  options.model = "fake:1";
  options.load.path = is_slow ? "slow 20" : "fake";
  options.on_line = [&](std::string_view line) { killer.take_line(line); };
  options.on_exit = [&](const EngineExit&) { ++exits; };
  try {
    const auto engine = EngineProcess::start(std::move(options));
    EXPECT_TRUE(!is_idle || eventually([&] { return !engine->is_alive(); }));
    std::vector<std::thread> clients;
    std::mutex mutex;
    for (int i = 0; i < kClients; ++i)
      clients.emplace_back([&, i] {
        call_until_dead(*engine, seed * kClients + static_cast<uint64_t>(i));
        const std::lock_guard lock(mutex);
        longest = std::max(longest, killer.elapsed());
      });
    for (std::thread& client : clients) client.join();
    EXPECT_FALSE(engine->is_alive());
    EXPECT_TRUE(eventually([&] { return exits == 1; }));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::unavailable);
    EXPECT_THAT(error.what(), HasSubstr("model 'fake:1': its engine was killed by signal 9"));
    EXPECT_EQ(exits, 0);
    longest = killer.elapsed();
  }
  return longest;
}

TEST(EngineKill, EveryCallEndsInAResultOrACleanErrorAndNothingStaysBehind) {
  {
    EngineProcess::start(
        {.program = HEARTH_FAKE_ENGINE, .arguments = {}, .load = {.path = "fake"}});
  }
  const int descriptors = count_open_descriptors();
  Clock::duration longest{};
  for (uint64_t seed = 0; seed < kKills; ++seed) {
    SCOPED_TRACE(seed);
    longest = std::max(longest, run_and_kill(seed));
  }
  EXPECT_LT(longest, kPatience);
  RecordProperty("longest_wait_ms", static_cast<int>(longest / std::chrono::milliseconds(1)));
  EXPECT_EQ(count_open_descriptors(), descriptors);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);  // no child, dead or alive
}

// A daemon with one engine, as a process that can be killed. When the engine is loaded, or loads,
// it writes the line that names the engine's process.
pid_t start_daemon(const std::string& load, const fs::path& folder, int told) {
  const pid_t daemon = ::fork();
  if (daemon != 0) return daemon;
  EngineProcessOptions options{.program = HEARTH_FAKE_ENGINE, .arguments = {}};
  options.model = "fake:1";
  options.load.path = load;
  options.socket_folders = {folder};
  std::promise<std::string> first_line;
  options.on_line = [&](std::string_view line) { first_line.set_value(std::string(line)); };
  const auto tell = [&] {
    const std::string line = first_line.get_future().get();
    [[maybe_unused]] const ssize_t written = ::write(told, line.data(), line.size());
  };
  options.on_progress = [&](double) { tell(); };
  try {
    const auto engine = EngineProcess::start(std::move(options));
    tell();
    const auto stream = engine->answer(script("flood"));
    while (stream->next()) continue;
  } catch (const Error&) {
    std::_Exit(1);
  }
  std::_Exit(0);
}

TEST(EngineKill, NoEngineOutlivesAKilledDaemon) {
  // Orphans become children of this process, which then sees their end.
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  Rng rng(5);
  for (const std::string load : {"fake", "hang", "fake", "hang"}) {
    SCOPED_TRACE(load);
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const FileDescriptor read_end(pipe[0]);
    const PrivateFolder folder = PrivateFolder::make({}, "hearth-XXXXXX/engine");
    const pid_t daemon = start_daemon(load, folder.path(), pipe[1]);
    ::close(pipe[1]);
    std::array<char, 64> line{};
    ASSERT_GT(::read(read_end.get(), line.data(), line.size() - 1), 0);
    int process = 0;
    ASSERT_EQ(std::sscanf(line.data(), "process %d", &process), 1);
    std::this_thread::sleep_for(microseconds(rng.below(20'000)));
    ASSERT_EQ(::kill(daemon, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(daemon, &status, 0), daemon);
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
    // It ends by itself, which its status 0 shows, and takes its folder along.
    ASSERT_TRUE(eventually([&] { return ::waitpid(process, &status, WNOHANG) == process; }));
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    EXPECT_TRUE(fs::is_empty(folder.path()));
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace
}  // namespace hearth::serve
