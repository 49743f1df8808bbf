// Debian's docker-registry as the registry of a test: a real one, in a temporary folder.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "hearth/base/files.h"

namespace hearth::store {

/// A port of loopback that was free a moment ago.
uint16_t free_port_for_test();

/// Runs on loopback while it lives.
class DockerRegistry {
 public:
  /// Nothing, with the reason in `why_not`, where the program is not installed. `folder` must be
  /// there; everything is stored below it. With `htpasswd`, lines of USER:BCRYPT, only these users
  /// are let in.
  static std::optional<DockerRegistry> try_start(const fs::path& folder, std::string& why_not,
                                                 std::string_view htpasswd = "");

  DockerRegistry(DockerRegistry&& other) noexcept
      : host_(std::move(other.host_)), process_(other.process_) {
    other.process_ = -1;
  }
  DockerRegistry& operator=(DockerRegistry&&) = delete;
  ~DockerRegistry();

  /// "127.0.0.1:PORT".
  const std::string& host() const { return host_; }

 private:
  DockerRegistry(std::string host, pid_t process) : host_(std::move(host)), process_(process) {}

  std::string host_;
  pid_t process_ = -1;
};

}  // namespace hearth::store
