// The API behind the verbs about models: a running daemon, or the same handlers in this process.
#pragma once
#include <memory>

#include "hearth/serve/client/api.h"

namespace hearth::cli {

/// The daemon of HEARTH_HOST (OLLAMA_HOST, or this machine's default port) when one answers there,
/// with the key of HEARTH_API_KEY; otherwise the store of this user in this process, whose models
/// are then loaded here too. Errors: io_failure (the store), invalid_argument (a variable).
std::unique_ptr<serve::Api> open_api();

}  // namespace hearth::cli
