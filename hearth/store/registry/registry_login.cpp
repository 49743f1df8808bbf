#include "hearth/store/registry/registry_login.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "hearth/base/error.h"
#include "hearth/store/json_object.h"

namespace hearth::store {
namespace {

constexpr std::string_view kHuggingFace[] = {"hf.co", "huggingface.co"};
constexpr size_t kFileBytesMax = size_t{1} << 20;

// Anything else could end the header that it is sent in.
bool is_header_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

// The text is a secret: the message must not show it.
std::string checked(const JsonObject& entry, std::string_view key) {
  std::string text = entry.try_string(key).value_or("");
  if (!is_header_text(text))
    throw Error(Errc::corrupt_data, "{}: '{}': holds more than printable ASCII", entry.where(),
                key);
  return text;
}

void check_is_private(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) == 0 && (status.st_mode & 077) != 0)
    throw Error(Errc::invalid_argument,
                "{}: has passwords and may be read by others than its owner; chmod 600 it",
                file.string());
}

}  // namespace

RegistryLogin parse_login(std::string_view text, std::string_view where, std::string_view host) {
  const nlohmann::json json = parse_json(text, where);
  const auto logins = JsonObject(json, std::string(where)).try_object("auths");
  const auto entry = logins ? logins->try_object(host) : std::nullopt;
  if (!entry) return {};
  return {.basic = checked(*entry, "auth"), .bearer = checked(*entry, "registrytoken")};
}

RegistryLogin find_login(std::string_view host, const fs::path& file) {
  std::error_code ignored;
  if (!file.empty() && fs::exists(file, ignored)) {
    check_is_private(file);
    RegistryLogin login = parse_login(read_file(file, kFileBytesMax), file.string(), host);
    if (login != RegistryLogin()) return login;
  }
  const char* token = std::getenv("HF_TOKEN");
  if (!token || std::ranges::find(kHuggingFace, host) == std::end(kHuggingFace)) return {};
  if (!is_header_text(token))
    throw Error(Errc::invalid_argument, "HF_TOKEN: holds more than printable ASCII");
  return {.basic = {}, .bearer = token};
}

}  // namespace hearth::store
