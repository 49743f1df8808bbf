// Brings a model from a registry into a store.
//
// Sources: the OCI distribution specification 1.1 ("Pull"), Docker's registry specification ("Token
// authentication"), and the texts and order of Ollama's /api/pull.
#pragma once
#include "hearth/store/model_store.h"
#include "hearth/store/registry/transfer_options.h"

namespace hearth::store {

/// Pulls the model `name` from the registry at its host; a model of that name is replaced in the
/// last step, and the blobs that only it named are removed. Blobs that are there already are not
/// fetched. Hugging Face serves its repositories in the same way, so "hf.co/USER/REPO:QUANT" is a
/// name like any other.
///
/// A pull that ends early, by kill -9 too, keeps the finished ranges of its blobs; the same call
/// goes on from there. Two pulls of one blob fetch it once: the second waits for the first. While
/// it runs, no process of Hearth removes blobs of the store.
///
/// Statuses: "pulling manifest"; "pulling HEX12" of each layer, then of the config; "verifying
/// sha256 digest"; "writing manifest"; "removing any unused layers"; "success".
///
/// Errors: not_found (no such model there), unsupported (it needs an account), unavailable (no
/// answer after all attempts; cancelled), corrupt_data (a manifest or a blob that is not what it
/// should be), resource_exhausted (disk full, naming what is needed and what is kept; a manifest
/// above a limit), invalid_argument (the store was opened read-only), io_failure.
StoredModel pull_model(const ModelStore& store, const ModelName& name,
                       const TransferOptions& options, TransferProgressFn progress);

}  // namespace hearth::store
