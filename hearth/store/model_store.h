// The models on this machine: a folder in the layout of Ollama, which reads and writes it too.
//
//   blobs/sha256-HEX                          content, named by its digest
//   manifests/HOST/NAMESPACE/MODEL/TAG        which blobs make a model
//   .hearth.lock                              who adds and who removes (between Hearth's processes)
//
// A kill at any moment leaves every model whole: a manifest appears in one step after its blobs,
// and goes before them. What is left over, prune() takes away: `hearth serve` calls it when it
// starts. Ollama does not know the lock: it removes what no manifest names when its server starts.
//
// All functions may be called by several threads and processes at once.
#pragma once
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hearth/store/blob_folder.h"
#include "hearth/store/manifest.h"
#include "hearth/store/manifest_folder.h"
#include "hearth/store/model_name.h"

namespace hearth::store {

enum class StoreAccess { read_only, read_write };

/// A model as one reading of its manifest found it.
struct StoredModel {
  ModelName name;  // in the case it is stored in
  Digest digest;   // of the manifest's bytes: the model's id
  uint64_t size_bytes = 0;
  std::chrono::system_clock::time_point modified;
  Manifest manifest;
};

struct StoreListing {
  std::vector<StoredModel> models;  // newest first, then by name
  std::vector<BrokenEntry> broken;  // what could not be read; it hides no model
};

struct RemoveReport {
  uint64_t files_removed = 0;
  uint64_t freed_bytes = 0;
  std::string kept_because;  // why blobs that no manifest names were left to prune(); else empty
};

struct PruneOptions {
  bool downloads = false;  // also interrupted downloads, which a pull could resume
  /// Blobs that came or moved within this time stay: an upload that a model is about to be made of,
  /// or Ollama's, which knows no lock and writes the manifest last as well.
  std::chrono::seconds young{0};
};

struct DamagedBlob {
  Layer layer;
  std::string message;
};

class ModelStore {
 public:
  /// With read_write the folders are created if missing. Errors: not_found (read_only and no such
  /// folder), io_failure.
  static ModelStore open(const fs::path& folder, StoreAccess access);

  const fs::path& folder() const { return folder_; }
  const BlobFolder& blobs() const { return blobs_; }

  StoreListing list() const;
  /// Case does not matter. Nothing where there is no such model. Errors: corrupt_data or
  /// unsupported (its manifest, naming file and field), io_failure, resource_exhausted (a manifest
  /// above 16 MiB).
  std::optional<StoredModel> try_find(const ModelName& name) const;
  /// A name, or, where no model has it, the first digits (four at least, "sha256:" may stand
  /// before) of a model's digest. Errors: not_found, invalid_argument (no name; digits of several
  /// models), and as above.
  StoredModel find(std::string_view name_or_digest) const;
  /// The manifest's own bytes, which give a model its digest. Errors: not_found and as try_find().
  std::string manifest_text(const ModelName& name) const;
  /// The text of a small layer or config. Errors: as BlobFolder::read(), above 64 MiB.
  std::string read(const Layer& layer) const;

  /// A second name for the same blobs; a model of that name is replaced. Errors: not_found,
  /// invalid_argument (read-only), and as try_find().
  StoredModel copy(const ModelName& from, const ModelName& to) const;
  /// Removes the name, also that of a broken manifest, and the blobs that no other manifest names.
  /// Errors: not_found, invalid_argument (read-only), io_failure.
  RemoveReport remove(const ModelName& name) const;
  /// Removes those of the given blobs that no manifest names, as after a model was replaced.
  /// Errors: invalid_argument (read-only), io_failure.
  RemoveReport remove_unnamed(std::span<const Digest> digests) const;
  /// Removes blobs that no manifest names, and what interrupted writers left. Errors: unavailable
  /// (somebody is adding), conflict (a broken manifest, which may name any blob), invalid_argument
  /// (read-only), io_failure.
  RemoveReport prune(const PruneOptions& options) const;
  /// Reads every blob of the model, holds size and digest against the manifest, and gives what does
  /// not agree.
  std::vector<DamagedBlob> verify(const StoredModel& model, BlobProgressFn progress) const;

 private:
  friend class StoreWriter;
  ModelStore(const fs::path& folder, StoreAccess access);
  StoredModel read_manifest(const ManifestFile& file) const;
  StoredModel find_digest(std::string_view digits) const;
  RemoveReport remove_unnamed(std::span<const Digest> digests, bool is_alone) const;
  /// The file of the lock. Errors: invalid_argument when the store was opened read-only.
  fs::path lock_file() const;

  fs::path folder_;
  StoreAccess access_;
  BlobFolder blobs_;
  ManifestFolder manifests_;
};

}  // namespace hearth::store
