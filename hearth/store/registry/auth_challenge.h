// What a registry says about the token it wants (RFC 7235, section 4.1; Docker's registry
// specification, "Token authentication").
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::store {

/// WWW-Authenticate: Bearer
/// realm="https://auth.example/token",service="…",scope="repository:…:pull"
struct AuthChallenge {
  std::string realm;                // the address that gives tokens
  std::string service;              // may be empty
  std::vector<std::string> scopes;  // what the token must allow; may be empty

  bool operator==(const AuthChallenge&) const = default;
};

/// The first Bearer challenge with a realm in the value of a WWW-Authenticate header; nothing where
/// there is none.
std::optional<AuthChallenge> try_bearer_challenge(std::string_view header);

/// True where the header asks for a user's name and password (RFC 7617).
bool has_basic_challenge(std::string_view header);

/// The token in the JSON that a realm answers with: "token", or "access_token" (OAuth 2). Errors:
/// corrupt_data (no JSON, no token, a token that could not stand in a header).
std::string parse_token(std::string_view json);

}  // namespace hearth::store
