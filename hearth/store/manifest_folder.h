// The folder manifests/ of a model store: HOST/NAMESPACE/MODEL/TAG, one file a model.
//
// Knows files and names, not what the manifests say.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/files.h"
#include "hearth/store/model_name.h"

namespace hearth::store {

struct ManifestFile {
  ModelName name;
  fs::path file;
};

/// A file or folder of the store that cannot be used, and why. It hides no other.
struct BrokenEntry {
  fs::path path;
  std::string message;  // names the path and the field
};

class ManifestFolder {
 public:
  explicit ManifestFolder(fs::path folder) : folder_(std::move(folder)) {}

  const fs::path& folder() const { return folder_; }
  /// All manifests, by name; what has no valid name or cannot be listed is added to `broken`.
  /// Hidden files are passed over.
  std::vector<ManifestFile> list(std::vector<BrokenEntry>& broken) const;

  /// The same model under the case in which it is stored; `name` itself where it is not.
  ModelName stored_name(const ModelName& name) const;
  /// HOST/NAMESPACE/MODEL/TAG in exactly the case of `name`.
  fs::path path(const ModelName& name) const;

  /// Replaces or creates the manifest in one step. Errors: io_failure, resource_exhausted.
  void write(const ModelName& name, std::string_view text) const;
  /// Removes the manifest, and the folders above it that are empty then. False when it is not
  /// there. Errors: io_failure.
  bool remove(const ModelName& name) const;

 private:
  fs::path folder_;
};

}  // namespace hearth::store
