#include "hearth/store/blob_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "hearth/store/full_disk_for_test.h"
#include "hearth/store/store_folder_for_test.h"

namespace hearth::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kHelloHex =
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";  // sha256sum of "hello"

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

class BlobFolderTest : public testing::Test {
 protected:
  BlobFolderTest() : folder_("blobs"), blobs_(folder_.path() / "blobs") {
    fs::create_directories(blobs_.folder());
  }
  StoreFolder folder_;
  BlobFolder blobs_;
};

TEST_F(BlobFolderTest, ABlobLiesUnderTheDigestOfItsContent) {
  BlobWriter writer(blobs_);
  writer.write(bytes_of("hel"));
  writer.write(bytes_of("lo"));
  EXPECT_EQ(writer.written_bytes(), 5u);
  EXPECT_THAT(blobs_.list(), IsEmpty());  // nothing before the commit
  const AddedBlob added = writer.commit();
  EXPECT_EQ(added.digest.hex(), kHelloHex);
  EXPECT_EQ(added.size_bytes, 5u);
  EXPECT_FALSE(added.was_there);
  EXPECT_THAT(files_below(blobs_.folder()), ElementsAre("sha256-" + std::string(kHelloHex)));
  EXPECT_EQ(blobs_.read(added.digest, 5), "hello");
  EXPECT_TRUE(blobs_.add_text("hello").was_there);
}

TEST_F(BlobFolderTest, AWriterThatDoesNotCommitLeavesNothing) {
  { BlobWriter(blobs_).write(bytes_of("hello")); }
  BlobWriter other(blobs_);
  other.write(bytes_of("hello"));
  const Digest wrong = sha256("other");
  EXPECT_EQ(message_of([&] { other.commit(wrong); }),
            "digest mismatch, expected \"" + wrong.text() +
                "\", got \"sha256:" + std::string(kHelloHex) + "\"");
  EXPECT_THAT(blobs_.list(), IsEmpty());
}

TEST_F(BlobFolderTest, AFullDiskIsAnErrorAndLeavesNothing) {
  {
    const FullDisk disk(1000);
    BlobWriter writer(blobs_);
    const std::string text(4000, 'x');
    EXPECT_EQ(code_of([&] { writer.write(bytes_of(text)); }), Errc::resource_exhausted);
  }
  EXPECT_THAT(files_below(blobs_.folder()), IsEmpty());
}

TEST_F(BlobFolderTest, AFileIsCopiedWithProgress) {
  const std::string text(9 << 20, 'y');
  const fs::path file = folder_.write("model.gguf", text);
  std::vector<uint64_t> done;
  const AddedBlob added = blobs_.add_file(file, TakeFile::copy, [&](uint64_t now, uint64_t total) {
    EXPECT_EQ(total, text.size());
    done.push_back(now);
  });
  EXPECT_EQ(added.digest, sha256(text));
  EXPECT_THAT(done, ElementsAre(4u << 20, 8u << 20, 9u << 20));
  EXPECT_EQ(read_file(blobs_.path(added.digest)), text);
  struct stat status {};
  ASSERT_EQ(::stat(blobs_.path(added.digest).c_str(), &status), 0);
  EXPECT_EQ(status.st_nlink, 1u);
}

TEST_F(BlobFolderTest, AHardLinkIsASecondNameOfTheFile) {
  const fs::path file = folder_.write("model.gguf", "hello");
  fs::create_symlink(file, folder_.path() / "link.gguf");
  for (const char* name : {"model.gguf", "link.gguf", "model.gguf"}) {
    const AddedBlob added =
        blobs_.add_file(folder_.path() / name, TakeFile::hard_link, kNoProgress);
    EXPECT_EQ(added.digest.hex(), kHelloHex);
    EXPECT_TRUE(fs::equivalent(blobs_.path(added.digest), file));
    EXPECT_FALSE(fs::is_symlink(blobs_.path(added.digest)));
  }
  EXPECT_EQ(files_below(blobs_.folder()).size(), 1u);
}

TEST_F(BlobFolderTest, CancellingOrAWrongSourceLeavesNothing) {
  const fs::path file = folder_.write("model.gguf", "hello");
  for (const TakeFile how : {TakeFile::copy, TakeFile::hard_link}) {
    EXPECT_THROW(blobs_.add_file(file, how, [](uint64_t, uint64_t) { throw 7; }), int);
    EXPECT_EQ(code_of([&] { blobs_.add_file(folder_.path() / "none", how, kNoProgress); }),
              Errc::not_found);
    EXPECT_EQ(code_of([&] { blobs_.add_file(folder_.path(), how, kNoProgress); }),
              Errc::invalid_argument);
  }
  EXPECT_THAT(files_below(blobs_.folder()), IsEmpty());
  EXPECT_EQ(read_file(file), "hello");
}

TEST_F(BlobFolderTest, DamageIsFoundWhenReadAndHealedByAddingAgain) {
  const Digest digest = blobs_.add_text("hello").digest;
  folder_.write("blobs/sha256-" + digest.hex(), "hallo");
  EXPECT_THAT(message_of([&] { blobs_.read(digest, 100); }), HasSubstr(digest.hex() + ": damaged"));
  EXPECT_EQ(code_of([&] { blobs_.verify(digest, 5, kNoProgress); }), Errc::corrupt_data);
  EXPECT_THAT(message_of([&] { blobs_.verify(digest, 6, kNoProgress); }),
              HasSubstr("5 bytes, its manifest says 6"));
  blobs_.add_text("hello");
  blobs_.verify(digest, 5, kNoProgress);
  EXPECT_EQ(blobs_.read(digest, 100), "hello");
}

TEST_F(BlobFolderTest, ListShowsBlobsAndNothingElse) {
  const Digest digest = blobs_.add_text("hello").digest;
  folder_.write("blobs/sha256-" + digest.hex() + "-partial-0", "he");
  folder_.write("blobs/sha256-ABC", "");
  folder_.write("blobs/notes.txt", "");
  EXPECT_THAT(blobs_.list(), ElementsAre(digest));
  EXPECT_THAT(BlobFolder(folder_.path() / "none").list(), IsEmpty());
  EXPECT_EQ(blobs_.try_size(sha256("other")), std::nullopt);
}

}  // namespace
}  // namespace hearth::store
