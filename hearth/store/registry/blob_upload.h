// Sends one blob to a registry (OCI distribution specification 1.1, "Pushing a blob in chunks").
#pragma once
#include "hearth/base/function_ref.h"
#include "hearth/store/blob_folder.h"
#include "hearth/store/manifest.h"
#include "hearth/store/registry/registry_session.h"

namespace hearth::store {

/// Bytes of the blob that the registry has so far, in about a hundred steps.
using UploadedFn = FunctionRef<void(uint64_t uploaded_bytes)>;

/// True where the registry's repository holds the blob already. Errors: see throw_answer().
bool has_blob(RegistryConnection& connection, const Digest& digest);

/// Uploads in chunks, one after the other as the specification wants it. After a broken connection
/// the registry is asked how far it got. Errors: not_found, io_failure (the blob's file),
/// corrupt_data (the registry's answers make no sense), and as throw_answer(); what `uploaded`
/// throws.
void upload_blob(RegistryConnection& connection, const BlobFolder& blobs, const Layer& layer,
                 UploadedFn uploaded);

}  // namespace hearth::store
