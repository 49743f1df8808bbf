// Pulls onto disks that are too small, or become full meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>

#include "hearth/store/full_disk_for_test.h"
#include "hearth/store/registry/pull_for_test.h"

namespace hearth::store {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

/// A file system of a few megabytes at `folder`.
class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& folder) : folder_(folder) {
    fs::create_directories(folder);
    is_mounted_ = ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=4m") == 0;
    if (!is_mounted_) why_not_ = std::strerror(errno);
  }
  ~SmallDisk() {
    if (is_mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool is_mounted() const { return is_mounted_; }
  const std::string& why_not() const { return why_not_; }
  /// Somebody else's file, that takes all space that is left.
  void fill() {
    AtomicFile file(folder_ / "filler");
    try {
      for (;;) file.write(std::string(64 << 10, 'x'));
    } catch (const Error&) {
      file.commit();  // a rename needs no space
    }
  }
  void make_space() { fs::remove(folder_ / "filler"); }

 private:
  fs::path folder_;
  bool is_mounted_ = false;
  std::string why_not_;
};

TEST(PullSpace, AModelThatCannotFitIsRefusedBeforeItIsFetched) {
  const StoreFolder folder("space-never");
  SmallDisk disk(folder.models());
  if (!disk.is_mounted()) GTEST_SKIP() << "no tmpfs can be mounted: " << disk.why_not();
  const ModelStore store = folder.open();
  const FakeRegistry registry(noise(6'000'000));
  const std::string message =
      message_of([&] { pull_model(store, registry.name(), small_options(), kIgnoreTransfer); });
  EXPECT_THAT(message, HasSubstr("needs 5.7 MiB more, "));
  EXPECT_THAT(message, HasSubstr(" are free"));
  EXPECT_EQ(registry.layer_requests(), 0u);
}

TEST(PullSpace, ADiskThatBecomesFullKeepsWhatIsThereAndThePullGoesOn) {
  const StoreFolder folder("space-tmpfs");
  SmallDisk disk(folder.models());
  if (!disk.is_mounted()) GTEST_SKIP() << "no tmpfs can be mounted: " << disk.why_not();
  const ModelStore store = folder.open();
  SmallDisk* full = &disk;
  FakeRegistry* self = nullptr;
  std::atomic<bool> is_filled = false;
  std::atomic<size_t> served_bytes = 0;
  FakeRegistry registry(noise(3'000'000), [&](const SeenRequest& request, ServerSocket&) {
    if (!self->is_for_layer(request)) return false;
    const ByteRange range = self->asked(request, 3'000'000);
    served_bytes += range.size();
    if (range.begin > 1'500'000 && !is_filled.exchange(true)) full->fill();
    return false;
  });
  self = &registry;
  const auto pull = [&] {
    return pull_model(store, registry.name(), small_options(), kIgnoreTransfer);
  };
  std::optional<Errc> code;
  std::string message;
  try {
    pull();
  } catch (const Error& error) {
    code = error.code();
    message = error.what();
  }
  EXPECT_EQ(code, Errc::resource_exhausted);
  EXPECT_THAT(message, HasSubstr("No space left on device"));
  EXPECT_THAT(message, HasSubstr("of 2.9 MiB are kept, the next pull goes on from there"));
  EXPECT_THAT(store.list().models, IsEmpty());

  EXPECT_EQ(code_of(pull), Errc::resource_exhausted);  // still full
  disk.make_space();
  served_bytes = 0;
  const StoredModel model = pull();
  EXPECT_EQ(layer_text(store, model), registry.layer());
  EXPECT_LT(served_bytes, 2'000'000u);  // the first half was kept
}

TEST(PullSpace, AFileThatMayNotGrowIsTheSameError) {
  const StoreFolder folder("space-limit");
  const ModelStore store = folder.open();
  const FakeRegistry registry(noise(300'000));
  {
    const FullDisk disk(150'000);
    EXPECT_EQ(
        code_of([&] { pull_model(store, registry.name(), small_options(), kIgnoreTransfer); }),
        Errc::resource_exhausted);
  }
  const StoredModel model = pull_model(store, registry.name(), small_options(), kIgnoreTransfer);
  EXPECT_EQ(layer_text(store, model), registry.layer());
}

}  // namespace
}  // namespace hearth::store
