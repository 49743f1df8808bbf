// What each key used on each day, kept across restarts.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/base/files.h"
#include "hearth/serve/auth/utc.h"

namespace hearth::serve {

inline constexpr std::string_view kUsageFileName = "usage.json";  // in the folder of Hearth's files
inline constexpr int kUsageDaysMax = 62;  // the latest days with any use: this month and the last

struct Usage {
  uint64_t requests = 0;
  uint64_t prompt_tokens = 0;
  uint64_t generated_tokens = 0;

  uint64_t tokens() const { return prompt_tokens + generated_tokens; }
  Usage& operator+=(const Usage& more);
  bool operator==(const Usage&) const = default;
};

struct UsageRow {
  std::string day;  // "2026-11-21", of UTC
  std::string key;  // its name
  Usage usage;
  bool operator==(const UsageRow&) const = default;
};

/// What the file of a ledger holds, by day and name; nothing where there is no file. Errors:
/// io_failure, corrupt_data.
std::vector<UsageRow> read_usage(const fs::path& file);

/// Thread-safe. Counting never waits for the disk: a thread of its own writes what came together,
/// every `interval` at most and at the end. A crash loses what was counted since the last write and
/// no more. Several processes may count into one file: each adds to what is there.
class UsageLedger {
 public:
  /// Told that a write went wrong; what it would have written goes with the next one.
  using OnError = std::function<void(const Error&)>;

  /// Errors: those of read_usage().
  explicit UsageLedger(fs::path file, OnError on_error = {},
                       std::chrono::milliseconds interval = std::chrono::seconds(3));
  /// Writes what is left.
  ~UsageLedger();
  UsageLedger(const UsageLedger&) = delete;
  UsageLedger& operator=(const UsageLedger&) = delete;

  void add(const std::string& key, const Usage& usage, WallTime now);
  /// Prompt and generated tokens of this key on the day of `now`.
  uint64_t tokens_on_day(const std::string& key, WallTime now) const;
  /// By day and name, up to this moment.
  std::vector<UsageRow> report() const;
  /// Writes now. Errors: io_failure, corrupt_data.
  void flush();

 private:
  using Rows = std::map<std::pair<std::string, std::string>, Usage>;  // by day and name

  static Rows to_rows(const std::vector<UsageRow>& rows);
  static void merge(Rows& into, const Rows& more);
  static void forget_old_days(Rows& rows);
  static std::string to_json(const Rows& rows);
  void try_flush();
  void write_regularly(std::stop_token stop, std::chrono::milliseconds interval);

  const fs::path file_;
  const OnError on_error_;
  std::mutex flushing_;       // held while writing, before mutex_
  mutable std::mutex mutex_;  // guards what follows
  Rows totals_;               // what the file held at the last write, and all since then
  Rows pending_;              // counted here and not written
  std::condition_variable_any changed_;
  std::jthread writer_;  // last: it uses all of the above
};

}  // namespace hearth::serve
