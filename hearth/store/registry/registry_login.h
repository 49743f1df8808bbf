// What a registry knows its user by: a password or a token, from a file or from the environment.
#pragma once
#include <string>
#include <string_view>

#include "hearth/base/files.h"

namespace hearth::store {

/// Never printed, never part of a message.
struct RegistryLogin {
  std::string basic;   // base64 of USER:PASSWORD; may be empty
  std::string bearer;  // a token that is sent as it is; may be empty

  bool operator==(const RegistryLogin&) const = default;
};

/// The login for `host` ("registry.example:5000", as in a model's name) in the text of a file as
/// `podman login --authfile` and `docker login` write it (containers-auth.json(5)):
///
///   {"auths": {"HOST": {"auth": "BASE64"}, "hf.co": {"registrytoken": "TOKEN"}}}
///
/// Empty where there is none. Errors: corrupt_data naming `where` and the field.
RegistryLogin parse_login(std::string_view text, std::string_view where, std::string_view host);

/// The login for `host` in `file`, which need not exist; without one $HF_TOKEN for hf.co and
/// huggingface.co. Errors: as parse_login(); invalid_argument (others than its owner may read the
/// file; a token that cannot stand in a header).
RegistryLogin find_login(std::string_view host, const fs::path& file);

}  // namespace hearth::store
