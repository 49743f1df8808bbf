#include "hearth/store/registry/partial_blob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/store/store_folder_for_test.h"

namespace hearth::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kText = "hello, world";  // 12 bytes

class PartialBlobTest : public testing::Test {
 protected:
  PartialBlobTest() : folder_("partial-blob"), store_(folder_.open()), digest_(sha256(kText)) {}

  const BlobFolder& blobs() const { return store_.blobs(); }
  std::unique_ptr<PartialBlob> open() {
    return PartialBlob::try_open(blobs(), digest_, kText.size());
  }
  void write(PartialBlob& blob, uint64_t begin, uint64_t end) {
    const std::string_view part = kText.substr(begin, end - begin);
    blob.write(begin, std::as_bytes(std::span(part.data(), part.size())));
  }
  void put(PartialBlob& blob, uint64_t begin, uint64_t end) {
    write(blob, begin, end);
    blob.record({begin, end});
  }
  fs::path beside(std::string_view ending) const {
    fs::path path = blobs().path(digest_);
    return path += ending;
  }

  StoreFolder folder_;
  ModelStore store_;
  Digest digest_;
};

TEST_F(PartialBlobTest, WhatWasRecordedIsThereTheNextTime) {
  put(*open(), 5, 8);
  write(*open(), 0, 5);  // not recorded: does not count
  const auto blob = open();
  EXPECT_THAT(blob->finished().missing(100), ElementsAre(ByteRange{0, 5}, ByteRange{8, 12}));
  put(*blob, 8, 12);
  put(*blob, 0, 5);
  EXPECT_FALSE(blobs().try_size(digest_));
  blob->verify_and_commit({});
  EXPECT_EQ(read_file(blobs().path(digest_)), kText);
  EXPECT_THAT(files_below(blobs().folder()), ElementsAre("sha256-" + digest_.hex()));
}

TEST_F(PartialBlobTest, OneHasItAtATime) {
  auto blob = open();
  put(*blob, 0, 3);
  EXPECT_EQ(open(), nullptr);
  EXPECT_EQ(PartialBlob::finished_bytes(blobs(), digest_, kText.size()), 3u);
  blob.reset();
  EXPECT_NE(open(), nullptr);
}

TEST_F(PartialBlobTest, ADamagedDownloadIsRemoved) {
  auto blob = open();
  put(*blob, 0, 11);  // a byte is missing
  EXPECT_EQ(code_of([&] { blob->verify_and_commit({}); }), Errc::corrupt_data);
  blob.reset();
  EXPECT_THAT(files_below(blobs().folder()), IsEmpty());
  EXPECT_EQ(open()->finished().finished_bytes(), 0u);
}

TEST_F(PartialBlobTest, ADiscardedDownloadLeavesNothing) {
  const auto blob = open();
  put(*blob, 0, 4);
  blob->discard();
  EXPECT_THAT(files_below(blobs().folder()), IsEmpty());
}

TEST_F(PartialBlobTest, ARecordThatOutlivedItsBytesIsNotBelieved) {
  put(*open(), 0, 12);
  fs::remove(beside("-partial.hearth"));
  EXPECT_EQ(open()->finished().finished_bytes(), 0u);
}

TEST_F(PartialBlobTest, ATornRecordIsMendedBeforeItGrows) {
  put(*open(), 0, 4);
  {
    AtomicFile torn(beside("-partial.ranges"));
    torn.write("hearth-ranges 1 12\n0 4\n4 1");
    torn.commit();
  }
  put(*open(), 6, 9);
  EXPECT_EQ(read_file(beside("-partial.ranges")), "hearth-ranges 1 12\n0 4\n6 9\n");
}

TEST_F(PartialBlobTest, LinksAreNotFollowed) {
  const fs::path victim = folder_.write("victim", "precious");
  fs::create_symlink(victim, beside("-partial.hearth"));
  EXPECT_EQ(code_of([&] { open(); }), Errc::io_failure);
  fs::remove(beside("-partial.hearth"));
  fs::create_symlink(victim, beside("-partial.ranges"));
  put(*open(), 0, 4);  // the link itself is replaced
  EXPECT_EQ(read_file(victim), "precious");
}

TEST_F(PartialBlobTest, PruneTakesItOnlyWhenAskedTo) {
  put(*open(), 0, 4);
  EXPECT_EQ(store_.prune({}).files_removed, 0u);
  EXPECT_EQ(store_.prune({.downloads = true}).files_removed, 2u);
}

TEST_F(PartialBlobTest, AnEmptyBlobIsCompleteFromTheBeginning) {
  const auto blob = PartialBlob::try_open(blobs(), sha256(""), 0);
  ASSERT_TRUE(blob);
  EXPECT_TRUE(blob->finished().is_complete());
  blob->verify_and_commit({});
  EXPECT_EQ(blobs().try_size(sha256("")), 0u);
}

TEST_F(PartialBlobTest, ACancelEndsTheVerification) {
  const auto blob = open();
  put(*blob, 0, 12);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code_of([&] { blob->verify_and_commit(stop.get_token()); }), Errc::unavailable);
}

}  // namespace
}  // namespace hearth::store
