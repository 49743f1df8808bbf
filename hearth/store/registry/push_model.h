// Sends a model of a store to a registry.
#pragma once
#include "hearth/store/model_store.h"
#include "hearth/store/registry/transfer_options.h"

namespace hearth::store {

/// Pushes the model `name` to the registry at its host: first the blobs that the registry does not
/// have, then the manifest, byte for byte as it is stored.
///
/// Statuses: "retrieving manifest"; "pushing HEX12" of each layer, then of the config, with
/// "starting upload" before those that are sent; "pushing manifest"; "success".
///
/// Errors: not_found (no such model here; the registry knows no such repository), unsupported (the
/// registry wants an account), unavailable (no answer after all attempts; cancelled), corrupt_data
/// (a blob is damaged; the registry's answers make no sense), invalid_argument (it refuses the
/// model), io_failure.
void push_model(const ModelStore& store, const ModelName& name, const TransferOptions& options,
                TransferProgressFn progress);

}  // namespace hearth::store
