// A folder that only this user may enter, for the sockets of one engine.
#pragma once
#include <filesystem>
#include <string_view>
#include <vector>

namespace hearth::serve {

namespace fs = std::filesystem;

/// Made with mode 0700 and a name that nobody can guess; removed, with the files in it, when
/// destroyed. Move-only.
class PrivateFolder {
 public:
  /// In the first of `parents` that is there, may be written, and leaves room for a socket's path
  /// of `file_name` in the folder; in /tmp where none is. Errors: io_failure (not even there).
  static PrivateFolder make(const std::vector<fs::path>& parents, std::string_view file_name);

  PrivateFolder(PrivateFolder&& other) noexcept { path_.swap(other.path_); }
  PrivateFolder& operator=(PrivateFolder&&) = delete;
  ~PrivateFolder();

  const fs::path& path() const { return path_; }

 private:
  explicit PrivateFolder(fs::path path) : path_(std::move(path)) {}

  fs::path path_;
};

}  // namespace hearth::serve
