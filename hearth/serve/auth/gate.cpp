#include "hearth/serve/auth/gate.h"

#include <algorithm>
#include <utility>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

using MaybeResponse = std::optional<http::Response>;

// What a request says it is allowed by, at most one of each header.
std::vector<std::string_view> credentials(const http::Request& request) {
  std::vector<std::string_view> found;
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view authorization = request.headers.get("authorization");
  if (http::equal_ignoring_case(authorization.substr(0, kScheme.size()), kScheme))
    found.push_back(http::trimmed(authorization.substr(kScheme.size())));
  if (const std::string* key = request.headers.find("x-api-key")) found.push_back(*key);
  return found;
}

// A valid key before a removed one; null when none is known.
const ApiKey* find_key(const http::Request& request, const KeySet& keys) {
  const ApiKey* best = nullptr;
  for (const std::string_view secret : credentials(request)) {
    const ApiKey* key = keys.find_secret(secret);
    if (key && (!best || best->removed)) best = key;
  }
  return best;
}

}  // namespace

Gate::Gate(KeySet keys, UsageLedger& usage, GateOptions options)
    : usage_(usage),
      options_(std::move(options)),
      keys_(std::move(keys)),
      is_open_(!keys_.has_valid_key()) {}

MaybeResponse Gate::admit(http::Request& request, const Now& now) {
  if (std::count(options_.public_paths.begin(), options_.public_paths.end(), request.path()))
    return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (is_open_) return std::nullopt;
  const ApiKey* key = find_key(request, keys_);
  if (auto no = refuse_key(request, key)) return no;
  if (auto no = refuse_excess(request, *key, now)) return no;
  request.caller = key->name;
  usage_.add(key->name, {.requests = 1}, now.wall);
  return std::nullopt;
}

http::Admit Gate::hook() {
  return [this](http::Request& request) { return admit(request, Now()); };
}

void Gate::reload(KeySet keys, const Now& now) {
  const std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
  is_open_ = is_open_ && !keys_.has_valid_key();
  std::erase_if(buckets_, [&](const auto& bucket) {
    const ApiKey* key = keys_.find_name(bucket.first);
    return !key || !key->limits.requests_per_minute;
  });
  for (auto& [name, bucket] : buckets_)
    bucket.set_limit(*keys_.find_name(name)->limits.requests_per_minute, now.steady);
}

bool Gate::is_open() const {
  const std::lock_guard lock(mutex_);
  return is_open_;
}

MaybeResponse Gate::refuse_key(const http::Request& request, const ApiKey* key) const {
  if (key && !key->removed) return std::nullopt;
  std::string text = "this server does not know the given API key";
  if (key)
    text = fmt::format("the API key '{}' was removed at {}", key->name, utc_text(*key->removed));
  else if (credentials(request).empty())
    text = "an API key is needed, as \"Authorization: Bearer KEY\" or \"x-api-key: KEY\"";
  http::Response response = answer(request, 401, text);
  response.headers.set("www-authenticate", "Bearer");  // RFC 9110, 11.6.1: a 401 must say how
  return response;
}

MaybeResponse Gate::refuse_excess(const http::Request& request, const ApiKey& key, const Now& now) {
  const auto later = [&](std::chrono::seconds wait, std::string_view text) {
    http::Response response = answer(request, 429, text);
    response.headers.set("retry-after", std::to_string(std::max<int64_t>(1, wait.count())));
    return response;
  };
  if (const auto quota = key.limits.tokens_per_day) {
    const uint64_t used = usage_.tokens_on_day(key.name, now.wall);
    if (used >= static_cast<uint64_t>(*quota))
      return later(until_next_utc_day(now.wall),
                   fmt::format("the key '{}' has used {} of its {} tokens of this day (UTC)",
                               key.name, used, *quota));
  }
  if (const auto rate = key.limits.requests_per_minute) {
    RateBucket& bucket =
        buckets_.try_emplace(key.name, RateBucket(*rate, now.steady)).first->second;
    if (const auto wait = bucket.try_take(now.steady))
      return later(std::chrono::ceil<std::chrono::seconds>(*wait),
                   fmt::format("the key '{}' may begin {} requests a minute", key.name, *rate));
  }
  return std::nullopt;
}

http::Response Gate::answer(const http::Request& request, int status, std::string_view text) const {
  return options_.error_form ? options_.error_form(request.path(), status, text)
                             : http::Response::text(status, fmt::format("{}\n", text));
}

}  // namespace hearth::serve
