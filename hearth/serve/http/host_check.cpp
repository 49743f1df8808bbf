#include "hearth/serve/http/host_check.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>

#include "hearth/serve/http/headers.h"

namespace hearth::http {
namespace {

constexpr std::string_view kLocalEndings[] = {".localhost", ".local", ".internal"};

bool is_digits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Without the port; empty when what follows the name is no port.
std::string_view name_of(std::string_view host) {
  const size_t name_end = host.starts_with('[') ? std::min(host.find(']'), host.size() - 1) + 1
                                                : std::min(host.find(':'), host.size());
  const std::string_view rest = host.substr(name_end);
  if (!rest.empty() && (rest[0] != ':' || !is_digits(rest.substr(1)))) return {};
  return host.substr(0, name_end);
}

bool is_address(std::string_view name) {
  in6_addr parsed;
  if (name.size() > 2 && name.starts_with('[') && name.ends_with(']'))
    return inet_pton(AF_INET6, std::string(name.substr(1, name.size() - 2)).c_str(), &parsed) == 1;
  return inet_pton(AF_INET, std::string(name).c_str(), &parsed) == 1;
}

}  // namespace

bool is_allowed_host(std::string_view host, std::string_view own_name,
                     const std::vector<std::string>& configured) {
  if (host.empty()) return false;
  std::string_view name = name_of(host);
  if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);  // the root, spelled out
  if (name.empty()) return false;
  const auto is = [&](std::string_view other) { return equal_ignoring_case(name, other); };
  if (is_address(name) || is("localhost") || (!own_name.empty() && is(own_name))) return true;
  for (const std::string_view ending : kLocalEndings)
    if (name.size() > ending.size() &&
        equal_ignoring_case(name.substr(name.size() - ending.size()), ending))
      return true;
  return std::any_of(configured.begin(), configured.end(), is);
}

std::string own_host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

}  // namespace hearth::http
