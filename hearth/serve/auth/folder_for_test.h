// A folder for the files of one test, and the two days that the tests live in.
#pragma once
#include <unistd.h>

#include <string_view>

#include "hearth/base/error.h"
#include "hearth/base/files.h"
#include "hearth/serve/auth/utc.h"

namespace hearth::serve {

/// Removed with everything in it.
class FolderForTest {
 public:
  explicit FolderForTest(std::string_view name)
      : path_(fs::temp_directory_path() / fmt::format("hearth-auth-{}-{}", ::getpid(), name)) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~FolderForTest() { fs::remove_all(path_); }
  FolderForTest(const FolderForTest&) = delete;
  FolderForTest& operator=(const FolderForTest&) = delete;

  fs::path operator/(std::string_view file) const { return path_ / file; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// 2026-11-21, 15:20:48 UTC; `date -u -d 2026-11-21T15:20:48Z +%s` says 1795274448.
inline const WallTime kNoon{std::chrono::seconds(1'795'274'448)};
inline const WallTime kDayAfter = kNoon + std::chrono::hours(24);

}  // namespace hearth::serve
