// Requests to one registry: its address, its login, its redirects, another attempt where one helps.
#pragma once
#include <mutex>
#include <string>

#include "hearth/store/model_name.h"
#include "hearth/store/registry/auth_challenge.h"
#include "hearth/store/registry/http_exchange.h"
#include "hearth/store/registry/registry_login.h"
#include "hearth/store/registry/transfer_options.h"

namespace hearth::store {

/// What the connections of one transfer share. All functions may be called by several threads.
class RegistrySession {
 public:
  /// https, but http for a host on loopback or with `insecure`. Errors: invalid_argument (a host
  /// that is no address), and as find_login().
  RegistrySession(const ModelName& name, const TransferOptions& options);

  const TransferOptions& options() const { return options_; }
  /// HOST/v2/NAMESPACE/MODEL/`rest`.
  WebAddress address(std::string_view rest) const;
  /// True for the registry's own scheme, host and port, which alone see its login.
  bool is_home(const WebAddress& address) const { return is_same_origin(address, home_); }
  /// An address that a server sent, in an answer from `base`. Errors: corrupt_data (no address;
  /// http from a registry that speaks https).
  WebAddress follow(const WebAddress& base, const std::string& reference) const;

  /// The value of the header Authorization: empty as long as none was asked for or is known.
  std::string authorization() const;
  /// Gets another authorization as `denied`, an answer with status 401 to a request with `stale`,
  /// asks for: a token, for which the user's name and password are sent where they are known, or
  /// these themselves. Nothing is done where another thread has got one meanwhile. Errors:
  /// unsupported (the registry wants a login), unavailable, corrupt_data.
  void renew_authorization(const std::string& stale, const HttpAnswer& denied,
                           HttpConnection& connection);

 private:
  std::string next_authorization(const std::string& stale, const HttpAnswer& denied,
                                 HttpConnection& connection) const;
  std::string fetch_token(const AuthChallenge& challenge, HttpConnection& connection) const;
  bool may_know_password(const WebAddress& realm) const;

  TransferOptions options_;
  WebAddress home_;  // the target is "/v2/NAMESPACE/MODEL/"
  RegistryLogin login_;
  mutable std::mutex mutex_;
  std::mutex renewing_;
  std::string authorization_;
};

/// One thread's requests within a session.
class RegistryConnection {
 public:
  /// `session` must outlive the connection.
  RegistryConnection(RegistrySession& session, std::stop_token cancelled)
      : session_(session), connection_(session.options().limits, std::move(cancelled)) {}

  RegistrySession& session() { return session_; }
  const std::stop_token& cancelled() const { return connection_.cancelled(); }

  /// One attempt: sends the login to the registry only, gets a token when asked to, follows
  /// redirects of GET and HEAD. Errors: as HttpConnection and RegistrySession; corrupt_data (too
  /// many redirects).
  HttpAnswer exchange(HttpRequest request, HttpBodyFn body, HttpSentFn sent);
  HttpAnswer exchange(HttpRequest request, HttpBodyFn body);

  /// As often as TransferLimits allow; the answer has a status. For requests that may be repeated.
  /// A 2xx body above `body_bytes_max` is resource_exhausted. Errors: also unavailable (no answer).
  struct TextAnswer {
    HttpAnswer head;
    std::string text;
  };
  TextAnswer request_text(const HttpRequest& request, size_t body_bytes_max);

 private:
  RegistrySession& session_;
  HttpConnection connection_;
};

/// Throws what an answer that is no success means: not_found (404), unsupported (401, 403: a
/// login is needed), unavailable (408, 429, 5xx, no answer), invalid_argument (else). `what` is
/// the part of the transfer that it ends; the registry's own words are added.
[[noreturn]] void throw_answer(std::string_view what, const HttpAnswer& answer);

}  // namespace hearth::store
