#include "hearth/base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "hearth/base/error.h"

namespace hearth {
namespace {

class Files : public testing::Test {
 protected:
  Files() : folder_(fs::temp_directory_path() / fmt::format("hearth-files-{}", ::getpid())) {
    fs::remove_all(folder_);
    fs::create_directory(folder_);
  }
  ~Files() override { fs::remove_all(folder_); }

  fs::path folder_;
};

void expect_error(const std::function<void()>& body, Errc code, const std::string& text) {
  try {
    body();
    ADD_FAILURE() << "no error; expected: " << text;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code);
    EXPECT_THAT(e.what(), testing::HasSubstr(text));
  }
}

TEST_F(Files, WhatIsCommittedIsReadBack) {
  AtomicFile file(folder_ / "a");
  file.write("hello ");
  file.write("there");
  file.commit();
  EXPECT_EQ(read_file(folder_ / "a"), "hello there");
  const MappedFile mapped = MappedFile::open(folder_ / "a");
  EXPECT_EQ(mapped.size_bytes(), 11u);
  EXPECT_EQ(static_cast<char>(mapped.bytes()[6]), 't');
}

TEST_F(Files, AFileForItsOwnerIsReadableByNobodyElse) {
  struct stat status {};
  for (const std::string_view old : {"none", "open to all"}) {
    AtomicFile file(folder_ / "secret", Readers::owner);
    file.write("s");
    file.commit();
    ASSERT_EQ(::stat((folder_ / "secret").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << old;
    fs::permissions(folder_ / "secret", fs::perms::all);  // and the second time it replaces this
  }
}

TEST_F(Files, WhatRootWritesForAnOwnerBelongsToTheOwnerOfTheFolder) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_EQ(::chown(folder_.c_str(), 1234, 1235), 0);
  AtomicFile file(folder_ / "secret", Readers::owner);
  file.commit();
  struct stat status {};
  ASSERT_EQ(::stat((folder_ / "secret").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 1234u);
  EXPECT_EQ(status.st_gid, 1235u);
}

TEST_F(Files, WithoutACommitTheOldContentStaysAndNothingIsLeftBehind) {
  {
    AtomicFile file(folder_ / "a");
    file.write("old");
    file.commit();
  }
  {
    AtomicFile file(folder_ / "a");
    file.write("new but unfinished");
  }
  EXPECT_EQ(read_file(folder_ / "a"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator{}), 1);
}

TEST_F(Files, ErrorsNameThePath) {
  const fs::path none = folder_ / "none", deep = folder_ / "no" / "folder";
  expect_error([&] { MappedFile::open(none); }, Errc::not_found, none.string());
  expect_error([&] { read_file(none); }, Errc::not_found, none.string());
  expect_error([&] { MappedFile::open(folder_); }, Errc::invalid_argument, folder_.string());
  expect_error([&] { AtomicFile file(deep); }, Errc::io_failure, deep.string());
  AtomicFile file(folder_ / "big");
  file.write(std::string(100, 'x'));
  file.commit();
  expect_error([&] { read_file(folder_ / "big", 99); }, Errc::resource_exhausted,
               (folder_ / "big").string() + ": 100 bytes, at most 99 are read");
}

TEST_F(Files, APipeIsRefusedAndNotWaitedFor) {
  const fs::path pipe = folder_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_error([&] { MappedFile::open(pipe); }, Errc::invalid_argument, "not a regular file");
  expect_error([&] { read_file(pipe); }, Errc::invalid_argument, "not a regular file");
}

TEST_F(Files, OnlyAFileIsReplaced) {
  expect_error([] { AtomicFile file("/dev/null"); }, Errc::invalid_argument, "/dev/null");
  expect_error([&] { AtomicFile file(folder_); }, Errc::invalid_argument, folder_.string());
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(Files, AFullDiskIsAnErrorAndNotALoss) {
  const fs::path path = folder_ / "a";
  AtomicFile old(path);
  old.write("old");
  old.commit();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);  // the write fails instead
  const rlimit small{.rlim_cur = 1000, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  {
    AtomicFile file(path);
    expect_error([&] { file.write(std::string(1001, 'x')); }, Errc::resource_exhausted,
                 path.string());
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator{}), 1);
}

TEST_F(Files, TwoWritersOfOneFileDoNotMixAndTheLastToCommitWins) {
  AtomicFile first(folder_ / "a"), second(folder_ / "a");
  first.write("the first");
  second.write("2nd");
  first.commit();
  EXPECT_EQ(read_file(folder_ / "a"), "the first");
  second.commit();
  EXPECT_EQ(read_file(folder_ / "a"), "2nd");
}

TEST_F(Files, AnEmptyFileMapsToNoBytes) {
  AtomicFile file(folder_ / "empty");
  file.commit();
  EXPECT_TRUE(MappedFile::open(folder_ / "empty").bytes().empty());
}

}  // namespace
}  // namespace hearth
