// What a caller of pull_model() or push_model() decides, and what it is told meanwhile.
#pragma once
#include <optional>
#include <stop_token>
#include <string>

#include "hearth/base/files.h"
#include "hearth/base/function_ref.h"
#include "hearth/store/digest.h"
#include "hearth/store/registry/transfer_limits.h"

namespace hearth::store {

struct TransferOptions {
  bool insecure = false;      // speak http to a registry that is not on this machine
  fs::path logins_file;       // of private registries, see registry_login.h; may be empty
  std::stop_token cancelled;  // trips: the transfer ends within a second with Errc::unavailable
  TransferLimits limits;
};

/// One line of the report, in the words of Ollama's API: "pulling manifest", "pulling
/// 2cf24dba5fb0".
struct TransferProgress {
  std::string status;
  std::optional<Digest> digest;  // of the blob that the line is about, with the two below
  uint64_t total_bytes = 0;
  uint64_t completed_bytes = 0;
};
/// Called on the calling thread, about ten times a second while bytes flow. An exception thrown by
/// it ends the transfer; what was received is kept.
using TransferProgressFn = FunctionRef<void(const TransferProgress&)>;

/// "pulling 2cf24dba5fb0": `verb` and the first 12 digits.
std::string blob_status(std::string_view verb, const Digest& digest);

}  // namespace hearth::store
