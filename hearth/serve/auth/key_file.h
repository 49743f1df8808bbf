// The API keys of this server, in one private file that the command line changes and the server
// reads.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/files.h"
#include "hearth/serve/auth/secret.h"
#include "hearth/serve/auth/utc.h"

namespace hearth::serve {

inline constexpr std::string_view kKeyFileName = "keys.json";  // in the folder of Hearth's files
inline constexpr size_t kKeysMax = 1000;        // in a file; a removed one makes room
inline constexpr size_t kKeyNameCharsMax = 64;  // of letters, digits and ._-@
inline constexpr int64_t kRequestsPerMinuteMax = 1'000'000;
inline constexpr int64_t kTokensPerDayMax = 1'000'000'000'000;

/// Nothing: no limit.
struct KeyLimits {
  std::optional<int64_t> requests_per_minute;
  std::optional<int64_t> tokens_per_day;  // prompt and generated together, days of UTC
  bool operator==(const KeyLimits&) const = default;
};

struct ApiKey {
  std::string name;
  SecretHash hash;
  WallTime created;
  KeyLimits limits;
  std::optional<WallTime> removed;  // it stays in the file, so that its owner is told why
};

/// What the file holds.
struct KeySet {
  Salt salt{};
  std::vector<ApiKey> keys;  // by name

  bool has_valid_key() const;
  const ApiKey* find_name(std::string_view name) const;
  /// The key, also a removed one, that `secret` belongs to. Takes the same time for every secret.
  const ApiKey* find_secret(std::string_view secret) const;
};

/// JSON, mode 0600. Every function reads the file anew; changes exclude each other between
/// processes and appear whole or not at all. Errors of all: io_failure, corrupt_data (no such file
/// of ours), resource_exhausted (4 MiB).
class KeyFile {
 public:
  explicit KeyFile(fs::path path) : path_(std::move(path)) {}

  const fs::path& path() const { return path_; }
  /// No keys where there is no file.
  KeySet read() const;
  /// Adds a key and returns its secret, which is kept nowhere. A removed name may be given again.
  /// Errors: invalid_argument (a name or limit that is none), conflict (the name is taken),
  /// resource_exhausted (kKeysMax).
  std::string add(const std::string& name, const KeyLimits& limits, WallTime now) const;
  /// Makes the key useless. Errors: not_found.
  void remove(const std::string& name, WallTime now) const;

 private:
  fs::path path_;
};

/// Errors: invalid_argument naming the limits of a name.
void check_key_name(std::string_view name);

}  // namespace hearth::serve
