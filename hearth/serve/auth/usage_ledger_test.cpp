#include "hearth/serve/auth/usage_ledger.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "hearth/serve/auth/folder_for_test.h"
#include "hearth/serve/auth/private_file.h"

namespace hearth::serve {
namespace {

constexpr std::chrono::hours kNever{1};
constexpr std::chrono::seconds kPatience{30};

// Until `condition` holds; false when it does not come to that.
template <class Condition>
bool comes_true(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

TEST(UsageLedger, CountsByDayAndKey) {
  const FolderForTest folder("count");
  UsageLedger ledger(folder / "usage.json", {}, kNever);
  ledger.add("anna", {.requests = 1}, kNoon);
  ledger.add("anna", {.prompt_tokens = 10, .generated_tokens = 5}, kNoon);
  ledger.add("bob", {.requests = 1, .prompt_tokens = 7}, kNoon);
  ledger.add("anna", {.requests = 1}, kDayAfter);
  const std::vector<UsageRow> expected = {{"2026-11-21", "anna", {1, 10, 5}},
                                          {"2026-11-21", "bob", {1, 7, 0}},
                                          {"2026-11-22", "anna", {1, 0, 0}}};
  EXPECT_EQ(ledger.report(), expected);
  EXPECT_EQ(ledger.tokens_on_day("anna", kNoon), 15u);
  EXPECT_EQ(ledger.tokens_on_day("anna", kDayAfter), 0u);
  EXPECT_EQ(ledger.tokens_on_day("nobody", kNoon), 0u);
}

TEST(UsageLedger, ItsEndWritesWhatIsLeftAndTheNextOneGoesOn) {
  const FolderForTest folder("restart");
  { UsageLedger(folder / "usage.json", {}, kNever).add("anna", {1, 2, 3}, kNoon); }
  EXPECT_EQ(read_usage(folder / "usage.json"),
            (std::vector<UsageRow>{{"2026-11-21", "anna", {1, 2, 3}}}));
  UsageLedger ledger(folder / "usage.json", {}, kNever);
  EXPECT_EQ(ledger.tokens_on_day("anna", kNoon), 5u);
  ledger.add("anna", {1, 0, 0}, kNoon);
  EXPECT_EQ(ledger.report()[0].usage, (Usage{2, 2, 3}));
}

TEST(UsageLedger, WritesByItselfAfterTheInterval) {
  const FolderForTest folder("interval");
  UsageLedger ledger(folder / "usage.json", {}, std::chrono::milliseconds(1));
  for (uint64_t n = 1; n <= 2; ++n) {
    ledger.add("anna", {.requests = 1}, kNoon);
    EXPECT_TRUE(comes_true([&] {
      const auto rows = read_usage(folder / "usage.json");
      return rows.size() == 1 && rows[0].usage.requests == n;
    }));
  }
}

TEST(UsageLedger, TwoLedgersOfOneFileAddUp) {
  const FolderForTest folder("two");
  UsageLedger first(folder / "usage.json", {}, kNever), second(folder / "usage.json", {}, kNever);
  first.add("anna", {1, 0, 0}, kNoon);
  second.add("anna", {1, 0, 0}, kNoon);
  first.flush();
  second.flush();
  EXPECT_EQ(second.report()[0].usage.requests, 2u);
  EXPECT_EQ(read_usage(folder / "usage.json")[0].usage.requests, 2u);
}

TEST(UsageLedger, KeepsTwoMonths) {
  const FolderForTest folder("old");
  UsageLedger ledger(folder / "usage.json", {}, kNever);
  for (int day = 0; day < kUsageDaysMax + 3; ++day)
    for (const char* key : {"anna", "bob"})
      ledger.add(key, {.requests = 1}, kNoon + std::chrono::hours(24 * day));
  ledger.flush();
  const std::vector<UsageRow> rows = read_usage(folder / "usage.json");
  EXPECT_EQ(rows.size(), 2u * kUsageDaysMax);
  EXPECT_EQ(rows.front().day, "2026-11-24");
  EXPECT_EQ(ledger.report(), rows);
}

TEST(UsageLedger, WhatCouldNotBeWrittenGoesWithTheNextWrite) {
  const FolderForTest folder("late");
  const fs::path file = folder / "usage.json";
  std::atomic<int> errors = 0;
  {
    UsageLedger ledger(
        file, [&](const Error&) { ++errors; }, kNever);
    ledger.add("anna", {1, 0, 0}, kNoon);
    fs::create_directory(file);  // a folder is in the way
    EXPECT_THROW(ledger.flush(), Error);
    EXPECT_EQ(ledger.report()[0].usage.requests, 1u);
    fs::remove(file);
    ledger.add("anna", {1, 0, 0}, kNoon);
    ledger.flush();
    EXPECT_EQ(read_usage(file)[0].usage.requests, 2u);
    ledger.add("anna", {1, 0, 0}, kNoon);
    fs::remove(file);
    fs::create_directory(file);
  }
  EXPECT_EQ(errors, 1);  // its end has nobody to throw to
}

TEST(UsageLedger, ABrokenFileIsAnErrorThatSaysTheWayOut) {
  const FolderForTest folder("broken");
  for (const char* text : {"", "[]", R"({"version":2,"days":{}})",
                           R"({"version":1,"days":{"2026-11-21":{"anna":{}}}})",
                           R"({"version":1,"days":{"2026-11-21":{"anna":{"requests":-1,
                               "prompt_tokens":0,"generated_tokens":0}}}})"}) {
    write_private(folder / "usage.json", text);
    try {
      read_usage(folder / "usage.json");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::corrupt_data);
      EXPECT_NE(std::string(error.what()).find("usage.json: "), std::string::npos);
    }
  }
}

TEST(UsageLedger, ManyThreadsCount) {
  const FolderForTest folder("threads");
  UsageLedger ledger(folder / "usage.json", {}, std::chrono::milliseconds(1));
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 500; ++n) ledger.add("anna", {.generated_tokens = 1}, kNoon);
    });
  threads.clear();
  ledger.flush();
  EXPECT_EQ(read_usage(folder / "usage.json")[0].usage.generated_tokens, 2000u);
}

}  // namespace
}  // namespace hearth::serve
