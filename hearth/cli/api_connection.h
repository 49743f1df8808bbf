// The API behind the verbs about models: a running daemon, or the same handlers in this process.
#pragma once
#include <memory>

#include "hearth/serve/client/api.h"

namespace hearth::cli {

/// The daemon of HEARTH_HOST (OLLAMA_HOST, or this machine's default port) when one answers there,
/// with the key of HEARTH_API_KEY; nothing when none does. Errors: unavailable when another machine
/// was named and does not answer (its models are meant, not ours), or when its certificate is not
/// trusted; invalid_argument (a variable).
std::unique_ptr<serve::Api> try_open_daemon();

/// "no daemon answers at http://127.0.0.1:11434".
std::string no_daemon_text();

/// Whether `error`, of asking for `model`, says that nobody knows a model of that name, or that it
/// can be none's.
bool is_unknown_model(const Error& error, const std::string& model);

/// The daemon, or, where none answers, the store of this user in this process, whose models are
/// then loaded here too. Errors: as try_open_daemon(), and io_failure (the store).
std::unique_ptr<serve::Api> open_api();

}  // namespace hearth::cli
