// Adds a model to a store: blobs first, then the manifest that names them.
#pragma once
#include "hearth/store/model_store.h"
#include "hearth/store/store_lock.h"

namespace hearth::store {

/// While one lives, no process of Hearth removes blobs of the store, so that what was added or
/// found there is still there when the manifest is written.
class StoreWriter {
 public:
  /// Waits while another process removes. `store` must outlive the writer. Errors: invalid_argument
  /// (opened read-only), io_failure.
  explicit StoreWriter(const ModelStore& store);

  const BlobFolder& blobs() const { return store_.blobs_; }
  /// A layer of text. Errors: as BlobFolder, also below.
  Layer add_text(LayerKind kind, std::string_view text) const;
  /// A layer of a file.
  Layer add_file(LayerKind kind, const fs::path& file, TakeFile how, BlobProgressFn progress) const;
  /// The config, a JSON text.
  Layer add_config(std::string_view json) const;

  /// Gives the model its name; one of that name (in any case) is replaced. Errors: corrupt_data
  /// when a blob that the manifest names is missing or has another size; io_failure,
  /// resource_exhausted.
  StoredModel commit(const ModelName& name, const Manifest& manifest) const;
  /// As above with the manifest's own bytes, which give the model its digest.
  StoredModel commit_text(const ModelName& name, std::string_view manifest) const;

 private:
  const ModelStore& store_;
  StoreLock lock_;
};

}  // namespace hearth::store
