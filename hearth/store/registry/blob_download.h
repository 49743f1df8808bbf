// Fetches the missing ranges of one blob over several connections.
#pragma once
#include "hearth/base/function_ref.h"
#include "hearth/store/registry/partial_blob.h"
#include "hearth/store/registry/registry_session.h"

namespace hearth::store {

/// Bytes of the blob that are here so far; called on the calling thread about ten times a second.
using ReceivedFn = FunctionRef<void(uint64_t received_bytes)>;

/// Fetches until the blob is complete; whatever ends it, finished ranges stay on the disk. A server
/// that knows no ranges is read from the beginning over one connection. Dropped connections go on
/// from the last byte, as often as they bring something new.
///
/// Errors: not_found, unsupported, unavailable (see throw_answer(); cancelled), corrupt_data (the
/// server sends other bytes than asked for), resource_exhausted (disk full), io_failure; and what
/// `received` throws.
void download_blob(RegistrySession& session, PartialBlob& blob, ReceivedFn received);

}  // namespace hearth::store
