#include "hearth/serve/http/cors.h"

#include <algorithm>

namespace hearth::http {
namespace {

constexpr std::string_view kLocalHosts[] = {"localhost", "127.0.0.1", "0.0.0.0"};
constexpr std::string_view kLocalSchemes[] = {"app://", "file://", "tauri://", "vscode-webview://"};
// What official clients send; names that begin with x-stainless- are allowed too.
constexpr std::string_view kAllowedHeaders[] = {
    "Authorization", "Content-Type",      "User-Agent", "Accept",      "X-Requested-With",
    "OpenAI-Beta",   "anthropic-version", "x-api-key",  "x-request-id"};

bool starts_with_ignoring_case(std::string_view text, std::string_view start) {
  return equal_ignoring_case(text.substr(0, start.size()), start);
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "localhost" or "localhost:3000", but not "localhost.evil.example".
bool is_local_authority(std::string_view authority) {
  for (const std::string_view host : kLocalHosts) {
    if (!starts_with_ignoring_case(authority, host)) continue;
    const std::string_view rest = authority.substr(host.size());
    if (rest.empty() || (rest.starts_with(':') && is_port(rest.substr(1)))) return true;
  }
  return false;
}

bool fits_pattern(std::string_view text, std::string_view pattern) {
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return equal_ignoring_case(text, pattern);
  const std::string_view before = pattern.substr(0, star), after = pattern.substr(star + 1);
  return text.size() >= before.size() + after.size() && starts_with_ignoring_case(text, before) &&
         equal_ignoring_case(text.substr(text.size() - after.size()), after);
}

bool is_allowed_header(std::string_view name) {
  return starts_with_ignoring_case(name, "x-stainless-") ||
         std::any_of(std::begin(kAllowedHeaders), std::end(kAllowedHeaders),
                     [&](std::string_view allowed) { return equal_ignoring_case(name, allowed); });
}

}  // namespace

bool is_allowed_origin(std::string_view origin, std::string_view host, const Origins& configured) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!starts_with_ignoring_case(origin, scheme)) continue;
    const std::string_view authority = origin.substr(scheme.size());
    if (is_local_authority(authority) || equal_ignoring_case(authority, host)) return true;
  }
  for (const std::string_view scheme : kLocalSchemes)
    if (starts_with_ignoring_case(origin, scheme)) return true;
  return std::any_of(configured.begin(), configured.end(),
                     [&](const std::string& pattern) { return fits_pattern(origin, pattern); });
}

Headers cors_headers(std::string_view origin) {
  // The origin itself, not "*", so that pages may send credentials; hence Vary for caches.
  return {{"access-control-allow-origin", std::string(origin)},
          {"access-control-expose-headers", "x-request-id, retry-after"},
          {"vary", "Origin"}};
}

Headers preflight_headers(std::string_view allow, std::string_view requested_headers) {
  std::string headers;
  while (!requested_headers.empty()) {
    const size_t comma = std::min(requested_headers.find(','), requested_headers.size());
    const std::string_view name = trimmed(requested_headers.substr(0, comma));
    requested_headers.remove_prefix(std::min(comma + 1, requested_headers.size()));
    if (is_token(name) && is_allowed_header(name))
      headers += (headers.empty() ? "" : ", ") + std::string(name);
  }
  Headers out = {{"access-control-allow-methods", std::string(allow)},
                 {"access-control-max-age", "43200"}};
  if (!headers.empty()) out.add("access-control-allow-headers", headers);
  return out;
}

}  // namespace hearth::http
