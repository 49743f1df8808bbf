#include "hearth/base/files.h"

#include <gtest/gtest.h>
#include <unistd.h>

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

Errc code_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& e) {
    return e.code();
  }
  ADD_FAILURE() << "no error";
  return Errc::conflict;
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
  EXPECT_EQ(code_of([&] { MappedFile::open(folder_ / "none"); }), Errc::not_found);
  EXPECT_EQ(code_of([&] { MappedFile::open(folder_); }), Errc::invalid_argument);
  EXPECT_EQ(code_of([&] { AtomicFile(folder_ / "no" / "folder"); }), Errc::io_failure);
  AtomicFile file(folder_ / "big");
  file.write(std::string(100, 'x'));
  file.commit();
  EXPECT_EQ(code_of([&] { read_file(folder_ / "big", 99); }), Errc::resource_exhausted);
}

TEST_F(Files, AFullDiskIsAnErrorAndNotALoss) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full on this system";
  // /dev/full cannot be renamed over; writing through it shows the error path of write().
  fs::create_symlink("/dev/full", folder_ / fmt::format("a.{}.partial", ::getpid()));
  AtomicFile file(folder_ / "a");
  EXPECT_EQ(code_of([&] { file.write(std::string(1 << 20, 'x')); }), Errc::io_failure);
  EXPECT_FALSE(fs::exists(folder_ / "a"));
}

TEST_F(Files, AnEmptyFileMapsToNoBytes) {
  AtomicFile file(folder_ / "empty");
  file.commit();
  EXPECT_TRUE(MappedFile::open(folder_ / "empty").bytes().empty());
}

}  // namespace
}  // namespace hearth
