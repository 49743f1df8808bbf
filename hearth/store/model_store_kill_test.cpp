// What a model store looks like after the processes that wrote to it were killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <set>
#include <thread>

#include "hearth/base/rng.h"
#include "hearth/store/store_folder_for_test.h"

namespace hearth::store {
namespace {

using testing::IsEmpty;

constexpr int kModels = 5;

std::string model_name(uint64_t number) { return fmt::format("m{}:t", number % kModels); }

// Adds, copies, removes and prunes at random, for ever; errors of two at once are expected.
[[noreturn]] void change_for_ever(const StoreFolder& folder, uint64_t seed) {
  Rng rng(seed);
  const ModelStore store = folder.open();
  for (;;) {
    const std::string name = model_name(rng.next_u64()), other = model_name(rng.next_u64());
    try {
      switch (rng.next_u64() % 8) {
        case 0:
          store.prune({});
          break;
        case 1:
          store.copy(parse_model_name(name), parse_model_name(other));
          break;
        case 2:
        case 3:
          store.remove(parse_model_name(name));
          break;
        default:
          add_model(store, name, {"shared", std::string(100'000, 'x'), name + other});
      }
    } catch (const Error& error) {
      // A model that another removed, or a store that another adds to. Anything else is a defect,
      // which the parent sees as an exit instead of a kill.
      if (error.code() != Errc::not_found && error.code() != Errc::unavailable) ::_exit(1);
    }
  }
}

pid_t start_changing(const StoreFolder& folder, uint64_t seed) {
  const pid_t child = ::fork();
  if (child == 0) change_for_ever(folder, seed);
  return child;
}

// True when the child was still at work.
bool kill_and_wait(pid_t child) {
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

void expect_whole(const ModelStore& store) {
  const StoreListing listing = store.list();
  for (const BrokenEntry& entry : listing.broken) ADD_FAILURE() << entry.message;
  for (const StoredModel& model : listing.models)
    for (const DamagedBlob& blob : store.verify(model, kNoProgress)) ADD_FAILURE() << blob.message;
}

// After a prune there is what the manifests name and nothing else.
void expect_nothing_left_over(const ModelStore& store) {
  store.prune({});
  std::set<Digest> named;
  size_t manifests = 0;
  for (const StoredModel& model : store.list().models) {
    ++manifests;
    named.insert(model.manifest.config.digest);
    for (const Layer& layer : model.manifest.layers) named.insert(layer.digest);
  }
  EXPECT_EQ(files_below(store.blobs().folder()).size(), named.size());
  EXPECT_EQ(files_below(store.folder() / "manifests").size(), manifests);
}

TEST(ModelStoreKill, EveryModelIsWholeAfterAKillAtAnyMoment) {
  const StoreFolder folder("kill");
  const ModelStore store = folder.open();
  Rng rng(11);
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    const pid_t child = start_changing(folder, static_cast<uint64_t>(round));
    std::this_thread::sleep_for(std::chrono::microseconds(rng.next_u64() % 20'000));
    ASSERT_TRUE(kill_and_wait(child));
    expect_whole(store);
    if (round % 4 == 3) expect_nothing_left_over(store);
  }
  add_model(store, "after", {"all"});  // no lock was left behind
  expect_whole(store);
}

TEST(ModelStoreKill, ProcessesAtOnceDoNotHarmEachOther) {
  const StoreFolder folder("processes");
  const ModelStore store = folder.open();
  std::vector<pid_t> children;
  for (uint64_t seed = 100; seed < 104; ++seed) children.push_back(start_changing(folder, seed));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (std::chrono::steady_clock::now() < deadline)
    EXPECT_THAT(store.list().broken, IsEmpty());  // also while they write
  for (const pid_t child : children) EXPECT_TRUE(kill_and_wait(child));
  expect_whole(store);
  expect_nothing_left_over(store);
}

TEST(ModelStoreKill, AWriterThatIsKilledLeavesOnlyWhatPruneTakes) {
  const StoreFolder folder("writer");
  const ModelStore store = folder.open();
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const StoreWriter writer(store);
    BlobWriter blob(writer.blobs());
    const std::vector<std::byte> bytes(1000);
    blob.write(bytes);
    const bool is_told = ::write(ready[1], "r", 1) == 1;
    if (!is_told) ::_exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(code_of([&] { store.prune({}); }), Errc::unavailable);
  ASSERT_TRUE(kill_and_wait(child));
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_THAT(store.blobs().list(), IsEmpty());
  const RemoveReport report = store.prune({});
  EXPECT_EQ(report.files_removed, 1u);
  EXPECT_EQ(report.freed_bytes, 1000u);
}

}  // namespace
}  // namespace hearth::store
