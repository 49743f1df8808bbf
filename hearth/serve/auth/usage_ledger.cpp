#include "hearth/serve/auth/usage_ledger.h"

#include <nlohmann/json.hpp>

#include "hearth/serve/auth/private_file.h"

namespace hearth::serve {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr size_t kFileBytesMax = 64 << 20;  // 62 days of 1000 keys need a tenth of it

// The library would turn -1 into the largest number there is, which no quota outlives.
uint64_t count(const Json& json, const char* field) {
  const Json& value = json.at(field);
  if (!value.is_number_unsigned())
    throw Error(Errc::corrupt_data, "'{}' is no count; without the file, counting begins anew",
                field);
  return value.get<uint64_t>();
}

Usage parse_entry(const Json& json) {
  return {count(json, "requests"), count(json, "prompt_tokens"), count(json, "generated_tokens")};
}

std::vector<UsageRow> parse_usage(std::string_view text) {
  const Json json = Json::parse(text);
  if (const int version = json.at("version").get<int>(); version != kVersion)
    throw Error(Errc::corrupt_data, "version {} is not known, only {}", version, kVersion);
  std::vector<UsageRow> rows;
  for (const auto& [day, keys] : json.at("days").items())
    for (const auto& [key, entry] : keys.items()) rows.push_back({day, key, parse_entry(entry)});
  return rows;
}

}  // namespace

Usage& Usage::operator+=(const Usage& more) {
  requests += more.requests;
  prompt_tokens += more.prompt_tokens;
  generated_tokens += more.generated_tokens;
  return *this;
}

std::vector<UsageRow> read_usage(const fs::path& file) {
  const std::optional<std::string> text = try_read_private(file, kFileBytesMax);
  if (!text) return {};
  try {
    return parse_usage(*text);
  } catch (const Json::exception& problem) {
    throw Error(Errc::corrupt_data, "{}: {}; without the file, counting begins anew", file.string(),
                problem.what());
  } catch (const Error& problem) {
    throw problem.with_context(file.string());
  }
}

UsageLedger::UsageLedger(fs::path file, OnError on_error, std::chrono::milliseconds interval)
    : file_(std::move(file)),
      on_error_(std::move(on_error)),
      totals_(to_rows(read_usage(file_))),
      writer_([this, interval](std::stop_token stop) { write_regularly(stop, interval); }) {}

UsageLedger::~UsageLedger() {
  writer_.request_stop();
  writer_.join();
  try_flush();
}

void UsageLedger::add(const std::string& key, const Usage& usage, WallTime now) {
  const std::lock_guard lock(mutex_);
  const std::pair place(utc_day(now), key);
  totals_[place] += usage;
  const bool was_empty = pending_.empty();
  pending_[place] += usage;
  if (was_empty) changed_.notify_one();
}

uint64_t UsageLedger::tokens_on_day(const std::string& key, WallTime now) const {
  const std::lock_guard lock(mutex_);
  const auto found = totals_.find({utc_day(now), key});
  return found == totals_.end() ? 0 : found->second.tokens();
}

std::vector<UsageRow> UsageLedger::report() const {
  const std::lock_guard lock(mutex_);
  std::vector<UsageRow> rows;
  for (const auto& [place, usage] : totals_) rows.push_back({place.first, place.second, usage});
  return rows;
}

void UsageLedger::flush() {
  const std::lock_guard one_at_a_time(flushing_);
  Rows taken;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(pending_);
  }
  if (taken.empty()) return;
  try {
    const FolderLock others_wait(file_.parent_path());
    Rows rows = to_rows(read_usage(file_));  // another process may have added to it
    merge(rows, taken);
    forget_old_days(rows);
    write_private(file_, to_json(rows));
    const std::lock_guard lock(mutex_);
    merge(rows, pending_);
    totals_ = std::move(rows);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    merge(pending_, taken);
    throw;
  }
}

void UsageLedger::try_flush() {
  try {
    flush();
  } catch (const Error& error) {
    if (on_error_) on_error_(error);
  }
}

void UsageLedger::write_regularly(std::stop_token stop, std::chrono::milliseconds interval) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return !pending_.empty(); })) return;
      // What else comes within the interval is written with it.
      changed_.wait_for(lock, stop, interval, [] { return false; });
      if (stop.stop_requested()) return;  // the destructor writes the rest
    }
    try_flush();
  }
}

UsageLedger::Rows UsageLedger::to_rows(const std::vector<UsageRow>& list) {
  Rows rows;
  for (const UsageRow& row : list) rows[{row.day, row.key}] += row.usage;
  return rows;
}

void UsageLedger::merge(Rows& into, const Rows& more) {
  for (const auto& [place, usage] : more) into[place] += usage;
}

void UsageLedger::forget_old_days(Rows& rows) {
  int days = 0;
  std::string day;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {  // the latest first
    if (row->first.first == day) continue;
    day = row->first.first;
    if (++days <= kUsageDaysMax) continue;
    rows.erase(rows.begin(), row.base());
    return;
  }
}

std::string UsageLedger::to_json(const Rows& rows) {
  Json days = Json::object();
  for (const auto& [place, usage] : rows)
    days[place.first][place.second] = {{"requests", usage.requests},
                                       {"prompt_tokens", usage.prompt_tokens},
                                       {"generated_tokens", usage.generated_tokens}};
  const Json json = {{"version", kVersion}, {"days", std::move(days)}};
  return json.dump(1) + "\n";
}

}  // namespace hearth::serve
