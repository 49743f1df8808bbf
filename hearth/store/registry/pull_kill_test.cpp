// Pulls that are killed at any moment, by SIGKILL in a process of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "hearth/base/rng.h"
#include "hearth/store/registry/docker_registry_for_test.h"
#include "hearth/store/registry/partial_blob.h"
#include "hearth/store/registry/pull_for_test.h"

namespace hearth::store {
namespace {

using testing::IsEmpty;

constexpr size_t kLayerBytes = 8'000'000;
constexpr int kKills = 20;

/// Begins a pull in a child that kills itself once `bytes_max` are there; 0: it never does.
pid_t start_pull(const ModelStore& store, const ModelName& name, const Digest& layer,
                 uint64_t bytes_max) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  try {
    pull_model(store, name, small_options(), [&](const TransferProgress& progress) {
      if (bytes_max > 0 && progress.digest == layer && progress.completed_bytes >= bytes_max)
        ::kill(::getpid(), SIGKILL);
    });
  } catch (const std::exception&) {
    ::_exit(1);
  }
  ::_exit(0);
}

/// True when it was killed or had finished; false when it failed.
bool reap(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
         (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(PullKill, AtAnyMomentLeavesNothingHalfAndThePullGoesOn) {
  const StoreFolder ours("pull-kill-ours"), theirs("pull-kill-theirs");
  std::string why_not;
  const auto registry = DockerRegistry::try_start(ours.path(), why_not);
  if (!registry) GTEST_SKIP() << why_not;
  const ModelName name = parse_model_name(registry->host() + "/ada/m");
  const std::string text = noise(kLayerBytes);
  const Digest layer = sha256(text);
  const ModelStore source = ours.open(), store = theirs.open();
  const StoredModel pushed = add_model(source, name.full(), {text, "small"});
  push_model(source, name, small_options(), kIgnoreTransfer);

  Rng rng(3);
  uint64_t kept_bytes = 0;
  int killed_before_the_end = 0;
  for (int i = 0; i < kKills; ++i) {
    SCOPED_TRACE(i);
    // By turns after a random time, and once a random part is there.
    const bool by_time = i % 2 == 0;
    const uint64_t bytes_max = by_time ? 0 : 1 + rng.next_u64() % kLayerBytes;
    const pid_t child = start_pull(store, name, layer, bytes_max);
    if (by_time) {
      std::this_thread::sleep_for(std::chrono::milliseconds(rng.next_u64() % 150));
      ::kill(child, SIGKILL);
    }
    ASSERT_TRUE(reap(child));
    const StoreListing listing = store.list();
    ASSERT_THAT(listing.broken, IsEmpty());
    for (const StoredModel& model : listing.models)  // whole, if it is there
      EXPECT_THAT(store.verify(model, kNoProgress), IsEmpty());
    if (!listing.models.empty() || store.blobs().try_size(layer)) {
      if (!listing.models.empty()) store.remove(name);
      store.prune({.downloads = true});  // the next kills begin anew
      kept_bytes = 0;
      continue;
    }
    ++killed_before_the_end;
    const uint64_t now_bytes = PartialBlob::finished_bytes(store.blobs(), layer, kLayerBytes);
    EXPECT_GE(now_bytes, kept_bytes);  // what was finished once is never lost
    kept_bytes = now_bytes;
  }
  EXPECT_GE(killed_before_the_end, kKills / 4);

  const StoredModel pulled = pull_model(store, name, small_options(), kIgnoreTransfer);
  EXPECT_EQ(pulled.digest, pushed.digest);
  EXPECT_THAT(store.verify(pulled, kNoProgress), IsEmpty());
  store.prune({});  // no lock was left behind
}

TEST(PullKill, BytesThatWereFinishedAreNotFetchedAgain) {
  const StoreFolder folder("pull-kill-resume");
  const ModelStore store = folder.open();
  FakeRegistry* self = nullptr;
  std::atomic<bool> is_stuck = true;
  std::atomic<size_t> served_bytes = 0;
  const std::string text = noise(500'000);
  FakeRegistry registry(text, [&](const SeenRequest& request, ServerSocket& socket) {
    if (!self->is_for_layer(request)) return false;
    const ByteRange range = self->asked(request, text.size());
    served_bytes += range.size();
    if (!is_stuck || range.begin < 200'000) return false;
    socket.wait_for_close();
    return true;
  });
  self = &registry;
  // The four chunks that begin below 200,000 are served; then the child waits, and is killed.
  constexpr uint64_t kServed = 4 * 65'536;
  const pid_t child = start_pull(store, registry.name(), registry.digest(), kServed);
  ASSERT_TRUE(reap(child));
  EXPECT_THAT(store.list().models, IsEmpty());
  // The last pieces of the three connections may have come and not been recorded.
  const uint64_t kept_bytes =
      PartialBlob::finished_bytes(store.blobs(), registry.digest(), text.size());
  EXPECT_GE(kept_bytes, kServed - 3 * small_options().limits.record_bytes);
  is_stuck = false;
  served_bytes = 0;
  const StoredModel model = pull_model(store, registry.name(), small_options(), kIgnoreTransfer);
  EXPECT_EQ(layer_text(store, model), text);
  EXPECT_EQ(served_bytes, text.size() - kept_bytes);
}

}  // namespace
}  // namespace hearth::store
