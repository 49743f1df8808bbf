// Who may ask: API keys, their rates and their quotas.
#pragma once
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/serve/auth/key_file.h"
#include "hearth/serve/auth/rate_bucket.h"
#include "hearth/serve/auth/usage_ledger.h"
#include "hearth/serve/http/admission.h"

namespace hearth::serve {

/// This moment: one clock for rates, one for days.
struct Now {
  std::chrono::steady_clock::time_point steady = std::chrono::steady_clock::now();
  WallTime wall = std::chrono::system_clock::now();
};

struct GateOptions {
  /// Open to everybody; exact, without a query.
  std::vector<std::string> public_paths = {"/", "/health", "/v1/health", "/api/version"};
  /// Of the 401 and 429; empty: plain text.
  http::ErrorForm error_form = {};
};

/// Lets requests in by their key: `Authorization: Bearer SECRET` or `x-api-key: SECRET`; where both
/// are sent, either will do. Thread-safe; never waits for a disk or a request.
///
/// With no valid key at the beginning, everybody is let in, as nobody. Once there was a key there
/// is no way back but a new Gate: who removes the last key does not open the server.
class Gate {
 public:
  /// `usage` must outlive the gate.
  Gate(KeySet keys, UsageLedger& usage, GateOptions options);

  /// Nothing lets the request in, counts it, and sets Request::caller to the key's name. Otherwise
  /// 401 (no key, an unknown or a removed one), or 429 with Retry-After: more requests a minute
  /// than the key may begin, or the day's tokens are used up. A request that began below the quota
  /// is let end, so several at once may pass it.
  std::optional<http::Response> admit(http::Request& request, const Now& now);
  /// admit() with this moment, for http::Policy::admit. The gate must outlive it.
  http::Admit hook();

  /// From now on these keys and limits. What was used of rates and quotas stays used.
  void reload(KeySet keys, const Now& now = {});
  /// Everybody is let in.
  bool is_open() const;

 private:
  std::optional<http::Response> refuse_key(const http::Request& request, const ApiKey* key) const;
  std::optional<http::Response> refuse_excess(const http::Request& request, const ApiKey& key,
                                              const Now& now);
  http::Response answer(const http::Request& request, int status, std::string_view text) const;

  UsageLedger& usage_;
  const GateOptions options_;
  mutable std::mutex mutex_;  // guards what follows
  KeySet keys_;
  bool is_open_;
  std::map<std::string, RateBucket, std::less<>> buckets_;  // of keys with a rate, by name
};

}  // namespace hearth::serve
