#include "hearth/store/registry/docker_registry_for_test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "hearth/base/error.h"

namespace hearth::store {
namespace {

constexpr const char* kProgram = "/usr/bin/docker-registry";
constexpr std::chrono::seconds kStartWait{30};

bool accepts(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const bool is_open = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return is_open;
}

pid_t start(const fs::path& config, const fs::path& log) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // never outlives the test, however that ends
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::execl(kProgram, kProgram, "serve", config.c_str(), nullptr);
  ::_exit(127);
}

}  // namespace

uint16_t free_port_for_test() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  HEARTH_CHECK(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  HEARTH_CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

std::optional<DockerRegistry> DockerRegistry::try_start(const fs::path& folder,
                                                        std::string& why_not,
                                                        std::string_view htpasswd) {
  if (::access(kProgram, X_OK) != 0) {
    why_not = fmt::format("{} is not installed (Debian package docker-registry)", kProgram);
    return std::nullopt;
  }
  const uint16_t port = free_port_for_test();
  AtomicFile config(folder / "registry.yml");
  config.write(
      fmt::format("version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n"
                  "    rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:{}\n",
                  (folder / "registry").string(), port));
  if (!htpasswd.empty()) {
    AtomicFile users(folder / "htpasswd");
    users.write(htpasswd);
    users.commit();
    config.write(fmt::format("auth:\n  htpasswd:\n    realm: test\n    path: {}\n",
                             (folder / "htpasswd").string()));
  }
  config.commit();
  DockerRegistry registry(fmt::format("127.0.0.1:{}", port),
                          start(folder / "registry.yml", folder / "registry.log"));
  const auto deadline = std::chrono::steady_clock::now() + kStartWait;
  while (!accepts(port)) {
    HEARTH_CHECK(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return registry;
}

DockerRegistry::~DockerRegistry() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

}  // namespace hearth::store
