// Push and pull with a real registry.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "hearth/store/registry/docker_registry_for_test.h"
#include "hearth/store/registry/pull_for_test.h"

namespace hearth::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Transfer : public testing::Test {
 protected:
  Transfer()
      : here_("transfer-here"),
        there_("transfer-there"),
        ours_(here_.open()),
        theirs_(there_.open()) {}

  void SetUp() override {
    std::string why_not;
    auto registry = DockerRegistry::try_start(here_.path(), why_not);
    if (!registry) GTEST_SKIP() << why_not;
    registry_ = std::make_unique<DockerRegistry>(*std::move(registry));
  }

  ModelName name(std::string_view model) const {
    return parse_model_name(fmt::format("{}/{}", registry_->host(), model));
  }
  void push(std::string_view model) {
    push_model(ours_, name(model), small_options(), kIgnoreTransfer);
  }
  StoredModel pull(std::string_view model) {
    return pull_model(theirs_, name(model), small_options(), kIgnoreTransfer);
  }

  StoreFolder here_, there_;
  ModelStore ours_, theirs_;
  std::unique_ptr<DockerRegistry> registry_;
};

TEST_F(Transfer, WhatIsPushedIsPulledByteForByte) {
  const std::vector<std::string> texts{noise(1'000'000), "short", noise(65'536, 2), "x"};
  const StoredModel pushed = add_model(ours_, name("ada/m:1b").full(), texts);
  push("ada/m:1b");
  const StoredModel pulled = pull("ada/m:1b");
  EXPECT_EQ(pulled.digest, pushed.digest);  // the manifest's own bytes
  EXPECT_EQ(pulled.manifest, pushed.manifest);
  EXPECT_THAT(theirs_.verify(pulled, kNoProgress), IsEmpty());
  for (size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(read_file(theirs_.blobs().path(pulled.manifest.layers[i].digest)), texts[i]);
}

TEST_F(Transfer, TheRegistryIsSentOnlyWhatItDoesNotHave) {
  add_model(ours_, name("ada/m").full(), {noise(300'000)});
  add_model(ours_, name("ada/m:2").full(), {noise(300'000), "new"});
  push("ada/m");
  std::vector<std::string> statuses;
  push_model(ours_, name("ada/m:2"), small_options(), [&](const TransferProgress& progress) {
    if (statuses.empty() || statuses.back() != progress.status) statuses.push_back(progress.status);
  });
  const auto pushing = [](std::string_view text) {
    return "pushing " + sha256(text).hex().substr(0, 12);
  };
  EXPECT_THAT(statuses,
              ElementsAre("retrieving manifest", pushing(noise(300'000)), "starting upload",
                          pushing("new"), pushing("{}"), "pushing manifest", "success"));
}

TEST_F(Transfer, ProgressOfAPushGrowsToTheWhole) {
  const std::string text = noise(300'000);
  add_model(ours_, name("ada/m").full(), {text});
  std::vector<uint64_t> completed;
  push_model(ours_, name("ada/m"), small_options(), [&](const TransferProgress& progress) {
    if (progress.digest == sha256(text)) completed.push_back(progress.completed_bytes);
  });
  ASSERT_FALSE(completed.empty());
  EXPECT_TRUE(std::is_sorted(completed.begin(), completed.end()));
  EXPECT_EQ(completed.back(), text.size());
  EXPECT_GE(completed.size(), 5u);  // a chunk each at least
}

TEST_F(Transfer, AnUnknownModelIsNotFoundOnEitherSide) {
  EXPECT_EQ(code_of([&] { push("ada/none"); }), Errc::not_found);
  EXPECT_EQ(code_of([&] { pull("ada/none"); }), Errc::not_found);
}

TEST_F(Transfer, ADamagedBlobIsNotPushed) {
  const StoredModel model = add_model(ours_, name("ada/m").full(), {"good"});
  const fs::path blob = ours_.blobs().path(model.manifest.layers[0].digest);
  fs::resize_file(blob, 3);
  EXPECT_EQ(code_of([&] { push("ada/m"); }), Errc::corrupt_data);
  here_.write(fs::relative(blob, here_.path()),
              "evil");  // of the right length: the registry sees it
  EXPECT_EQ(code_of([&] { push("ada/m"); }), Errc::invalid_argument);
  EXPECT_EQ(code_of([&] { pull("ada/m"); }), Errc::not_found);
}

TEST_F(Transfer, AReadOnlyStoreIsPushedFromButNotPulledTo) {
  add_model(ours_, name("ada/m").full(), {"text"});
  const ModelStore read_only = here_.open(StoreAccess::read_only);
  push_model(read_only, name("ada/m"), small_options(), kIgnoreTransfer);
  EXPECT_EQ(
      code_of([&] { pull_model(read_only, name("ada/m"), small_options(), kIgnoreTransfer); }),
      Errc::invalid_argument);
}

TEST_F(Transfer, PullsOfOneModelAtOnceDoNotHarmEachOther) {
  const std::string layer = noise(3'000'000);
  add_model(ours_, name("ada/m").full(), {layer, noise(500'000, 2)});
  // The same blobs in the other order: who waits for whom must not become a ring.
  add_model(ours_, name("ada/n").full(), {noise(500'000, 2), layer});
  push("ada/m");
  push("ada/n");
  {
    std::vector<std::jthread> threads;
    for (const char* model : {"ada/m", "ada/n", "ada/m", "ada/n"})
      threads.emplace_back([&, model] { EXPECT_NO_THROW(pull(model)); });
  }
  const StoreListing listing = theirs_.list();
  EXPECT_EQ(listing.models.size(), 2u);
  for (const StoredModel& model : listing.models)
    EXPECT_THAT(theirs_.verify(model, kNoProgress), IsEmpty());
  EXPECT_EQ(files_below(theirs_.blobs().folder()).size(), 3u);
}

}  // namespace
}  // namespace hearth::store
