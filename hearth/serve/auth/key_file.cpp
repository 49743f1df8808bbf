#include "hearth/serve/auth/key_file.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "hearth/base/error.h"
#include "hearth/serve/auth/private_file.h"

namespace hearth::serve {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr size_t kFileBytesMax = 4 << 20;  // kKeysMax keys need a tenth of it

int64_t to_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

WallTime to_time(int64_t seconds) {
  constexpr int64_t kSecondsMax = 9'200'000'000;  // year 2261: beyond it nanoseconds overflow
  if (seconds < -kSecondsMax || seconds > kSecondsMax)
    throw Error(Errc::corrupt_data, "{} is no time in Unix seconds", seconds);
  return WallTime(std::chrono::seconds(seconds));
}

Json to_json(const ApiKey& key) {
  Json json = {{"name", key.name},
               {"hash", to_hex(key.hash.data(), key.hash.size())},
               {"created", to_seconds(key.created)}};
  if (key.limits.requests_per_minute) json["requests_per_minute"] = *key.limits.requests_per_minute;
  if (key.limits.tokens_per_day) json["tokens_per_day"] = *key.limits.tokens_per_day;
  if (key.removed) json["removed"] = to_seconds(*key.removed);
  return json;
}

// The library would turn 1.5 into 1, and what passes 64 bits into anything.
int64_t whole(const Json& value, const char* field) {
  const bool is_too_large =
      value.is_number_unsigned() &&
      value.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (!value.is_number_integer() || is_too_large)
    throw Error(Errc::corrupt_data, "'{}' is no whole number of 64 bits", field);
  return value.get<int64_t>();
}

std::optional<int64_t> try_integer(const Json& json, const char* field) {
  const auto found = json.find(field);
  if (found == json.end()) return std::nullopt;
  return whole(*found, field);
}

template <size_t count>
void read_hex(const Json& json, const char* field, std::array<uint8_t, count>& bytes) {
  if (!from_hex(json.at(field).get<std::string>(), bytes.data(), count))
    throw Error(Errc::corrupt_data, "'{}' is not {} hexadecimal digits", field, 2 * count);
}

void check_limit(std::string_view what, const std::optional<int64_t>& limit, int64_t limit_max) {
  if (limit && (*limit < 1 || *limit > limit_max))
    throw Error(Errc::invalid_argument, "{}: {} is not between 1 and {}", what, *limit, limit_max);
}

void check_limits(const KeyLimits& limits) {
  check_limit("requests per minute", limits.requests_per_minute, kRequestsPerMinuteMax);
  check_limit("tokens per day", limits.tokens_per_day, kTokensPerDayMax);
}

ApiKey parse_key(const Json& json) {
  ApiKey key;
  key.name = json.at("name").get<std::string>();
  check_key_name(key.name);
  read_hex(json, "hash", key.hash);
  key.created = to_time(whole(json.at("created"), "created"));
  key.limits = {try_integer(json, "requests_per_minute"), try_integer(json, "tokens_per_day")};
  check_limits(key.limits);
  if (const auto removed = try_integer(json, "removed")) key.removed = to_time(*removed);
  return key;
}

KeySet parse_keys(std::string_view text) {
  const Json json = Json::parse(text);
  if (const int64_t version = whole(json.at("version"), "version"); version != kVersion)
    throw Error(Errc::corrupt_data, "version {} is not known, only {}", version, kVersion);
  KeySet set;
  read_hex(json, "salt", set.salt);
  for (const Json& key : json.at("keys")) set.keys.push_back(parse_key(key));
  // Whoever edits the file by hand need not know its order.
  std::sort(set.keys.begin(), set.keys.end(),
            [](const ApiKey& a, const ApiKey& b) { return a.name < b.name; });
  // Of two, removing the name would leave one valid.
  const auto same =
      std::adjacent_find(set.keys.begin(), set.keys.end(),
                         [](const ApiKey& a, const ApiKey& b) { return a.name == b.name; });
  if (same != set.keys.end())
    throw Error(Errc::corrupt_data, "the name '{}' is there twice", same->name);
  return set;
}

void write_keys(const fs::path& path, const KeySet& set) {
  Json keys = Json::array();
  for (const ApiKey& key : set.keys) keys.push_back(to_json(key));
  const Json json = {{"version", kVersion},
                     {"salt", to_hex(set.salt.data(), set.salt.size())},
                     {"keys", std::move(keys)}};
  write_private(path, json.dump(1) + "\n");
}

std::vector<ApiKey>::iterator place_of(KeySet& set, std::string_view name) {
  return std::lower_bound(set.keys.begin(), set.keys.end(), name,
                          [](const ApiKey& key, std::string_view n) { return key.name < n; });
}

// False when every key is valid.
bool drop_longest_removed(KeySet& set) {
  auto longest = set.keys.end();
  for (auto key = set.keys.begin(); key != set.keys.end(); ++key)
    if (key->removed && (longest == set.keys.end() || *key->removed < *longest->removed))
      longest = key;
  if (longest == set.keys.end()) return false;
  set.keys.erase(longest);
  return true;
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-' || c == '@';
}

}  // namespace

void check_key_name(std::string_view name) {
  if (name.empty() || name.size() > kKeyNameCharsMax ||
      !std::all_of(name.begin(), name.end(), is_name_char))
    throw Error(Errc::invalid_argument,
                "a key's name has 1 to {} letters, digits or any of . _ - @, unlike '{}'",
                kKeyNameCharsMax, name.substr(0, kKeyNameCharsMax + 1));
}

bool KeySet::has_valid_key() const {
  return std::any_of(keys.begin(), keys.end(), [](const ApiKey& key) { return !key.removed; });
}

const ApiKey* KeySet::find_name(std::string_view name) const {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const ApiKey& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

const ApiKey* KeySet::find_secret(std::string_view secret) const {
  // Longer texts are no secrets of ours, and would only cost time to hash.
  if (secret.size() != kSecretChars) return nullptr;
  const SecretHash hash = hash_secret(salt, secret);
  const ApiKey* found = nullptr;
  for (const ApiKey& key : keys)
    if (is_equal(key.hash, hash)) found = &key;  // no early end: that would tell the place
  return found;
}

KeySet KeyFile::read() const {
  const std::optional<std::string> text = try_read_private(path_, kFileBytesMax);
  if (!text) return {};
  try {
    return parse_keys(*text);
  } catch (const Json::exception& problem) {
    throw Error(Errc::corrupt_data, "{}: {}", path_.string(), problem.what());
  } catch (const Error& problem) {
    throw Error(Errc::corrupt_data, "{}: {}", path_.string(), problem.what());
  }
}

std::string KeyFile::add(const std::string& name, const KeyLimits& limits, WallTime now) const {
  check_key_name(name);
  check_limits(limits);
  const FolderLock lock(path_.parent_path());
  KeySet set = read();
  if (set.keys.empty()) set.salt = make_salt();
  const ApiKey* same = set.find_name(name);
  if (same && !same->removed)
    throw Error(Errc::conflict, "there is a key '{}' already; remove it or take another name",
                name);
  if (same) set.keys.erase(place_of(set, name));
  if (set.keys.size() >= kKeysMax && !drop_longest_removed(set))
    throw Error(Errc::resource_exhausted, "{} holds {} keys, no more are taken", path_.string(),
                set.keys.size());
  std::string secret = make_secret();
  set.keys.insert(place_of(set, name), {.name = name,
                                        .hash = hash_secret(set.salt, secret),
                                        .created = now,
                                        .limits = limits,
                                        .removed = std::nullopt});
  write_keys(path_, set);
  return secret;
}

void KeyFile::remove(const std::string& name, WallTime now) const {
  const FolderLock lock(path_.parent_path());
  KeySet set = read();
  const auto place = place_of(set, name);
  if (place == set.keys.end() || place->name != name || place->removed)
    throw Error(Errc::not_found, "there is no key '{}'; see: hearth key list", name);
  place->removed = now;
  write_keys(path_, set);
}

}  // namespace hearth::serve
