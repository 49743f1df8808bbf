#include "hearth/serve/engine/private_folder.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "hearth/base/error.h"
#include "hearth/serve/engine/frame_socket.h"

namespace hearth::serve {
namespace {

constexpr std::string_view kPattern = "hearth-XXXXXX";  // of mkdtemp(3)

// Empty when it cannot be made.
fs::path try_make(const fs::path& parent, std::string_view file_name) {
  std::string path = (parent / kPattern).native();
  if (parent.empty() || path.size() + 1 + file_name.size() >= kSocketPathBytesMax) return {};
  return ::mkdtemp(path.data()) ? fs::path(path) : fs::path();
}

}  // namespace

PrivateFolder PrivateFolder::make(const std::vector<fs::path>& parents,
                                  std::string_view file_name) {
  for (const fs::path& parent : parents)
    if (fs::path made = try_make(parent, file_name); !made.empty())
      return PrivateFolder(std::move(made));
  fs::path made = try_make("/tmp", file_name);
  if (made.empty())
    throw Error(Errc::io_failure, "no folder for a socket can be made in /tmp: {}",
                std::strerror(errno));
  return PrivateFolder(std::move(made));
}

PrivateFolder::~PrivateFolder() {
  if (path_.empty()) return;
  std::error_code ignored;  // what cannot be removed stays, which is no reason to stop
  fs::remove_all(path_, ignored);
}

}  // namespace hearth::serve
