#include "hearth/store/registry/pull_model.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <set>

#include "hearth/base/error.h"
#include "hearth/base/units.h"
#include "hearth/store/registry/blob_download.h"
#include "hearth/store/registry/retry.h"
#include "hearth/store/store_writer.h"

namespace hearth::store {
namespace {

constexpr std::chrono::milliseconds kOtherPullInterval{100};
constexpr const char* kManifestTypes =
    "Accept: application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.image.manifest.v1+json";

uint64_t free_bytes(const fs::path& folder) {
  struct statvfs status {};
  if (::statvfs(folder.c_str(), &status) != 0) throw_errno(folder, "cannot be looked at");
  return uint64_t{status.f_bavail} * status.f_frsize;
}

/// Layers and config, each blob once, in the order of the manifest.
std::vector<Layer> blobs_of(const Manifest& manifest) {
  std::vector<Layer> blobs;
  std::set<Digest> seen;
  for (const Layer& layer : manifest.layers)
    if (seen.insert(layer.digest).second) blobs.push_back(layer);
  if (seen.insert(manifest.config.digest).second) blobs.push_back(manifest.config);
  return blobs;
}

class Pull {
 public:
  Pull(const ModelStore& store, const ModelName& name, const TransferOptions& options,
       TransferProgressFn progress)
      : store_(store),
        name_(name),
        options_(options),
        progress_(progress),
        session_(name, options) {}

  StoredModel run() {
    const std::vector<Digest> before = blobs_before();
    StoredModel pulled = add();
    say("removing any unused layers");
    store_.remove_unnamed(before);
    say("success");
    return pulled;
  }

 private:
  void say(std::string status) { progress_({.status = std::move(status), .digest = std::nullopt}); }

  void say(const Layer& layer, uint64_t completed_bytes) {
    progress_({.status = blob_status("pulling", layer.digest),
               .digest = layer.digest,
               .total_bytes = layer.size_bytes,
               .completed_bytes = completed_bytes});
  }

  /// Of the model that has the name now; a manifest that cannot be read is about to be replaced.
  std::vector<Digest> blobs_before() const {
    try {
      if (const auto model = store_.try_find(name_)) return model->manifest.digests();
    } catch (const Error&) {
    }
    return {};
  }

  StoredModel add() {
    const StoreWriter writer(store_);
    say("pulling manifest");
    const std::string text = fetch_manifest();
    const Manifest manifest = parse_manifest(text, "manifest of " + name_.full());
    if (manifest.layers.size() > kRemoteLayersMax)
      throw Error(Errc::resource_exhausted, "manifest of {}: {} layers, at most {} are pulled",
                  name_.full(), manifest.layers.size(), kRemoteLayersMax);
    const std::vector<Layer> blobs = blobs_of(manifest);
    for (const Layer& blob : blobs) fetch(blob);
    say("verifying sha256 digest");
    for (const Layer& blob : blobs) verify(blob);
    say("writing manifest");
    return writer.commit_text(name_, text);
  }

  std::string fetch_manifest() {
    RegistryConnection connection(session_, options_.cancelled);
    auto [answer, text] =
        connection.request_text({.method = "GET",
                                 .address = session_.address("manifests/" + name_.tag),
                                 .headers = {kManifestTypes}},
                                kRemoteManifestBytesMax);
    if (answer.status == 404)
      throw Error(Errc::not_found, "pull model manifest: file does not exist: {}", name_.full());
    if (!answer.is_ok()) throw_answer("pull model manifest", answer);
    return text;
  }

  bool is_here(const Layer& blob) const {
    return store_.blobs().try_size(blob.digest) == blob.size_bytes;
  }

  /// The download, once no other process or thread has it; nothing when the other has made it a
  /// blob.
  std::unique_ptr<PartialBlob> open(const Layer& blob) {
    for (;;) {
      if (is_here(blob)) return nullptr;
      auto partial = PartialBlob::try_open(store_.blobs(), blob.digest, blob.size_bytes);
      if (partial && !is_here(blob)) return partial;
      if (partial) {
        partial->discard();  // the other made it a blob a moment ago, and this is a new download
        return nullptr;
      }
      say(blob, PartialBlob::finished_bytes(store_.blobs(), blob.digest, blob.size_bytes));
      wait_unless(options_.cancelled, kOtherPullInterval);
    }
  }

  void fetch(const Layer& blob) {
    const auto partial = open(blob);
    say(blob, partial ? partial->finished().finished_bytes() : blob.size_bytes);
    if (partial) complete(blob, *partial);
  }

  void complete(const Layer& blob, PartialBlob& partial) {
    check_space(partial);
    try {
      download_blob(session_, partial, [&](uint64_t received_bytes) { say(blob, received_bytes); });
    } catch (const Error& error) {
      if (error.code() != Errc::resource_exhausted) throw;
      throw Error(error.code(), "{}; {} of {} are kept, the next pull goes on from there",
                  error.what(), format_bytes(partial.finished().finished_bytes()),
                  format_bytes(partial.size_bytes()));
    }
  }

  void check_space(const PartialBlob& partial) const {
    const uint64_t needed = partial.needed_bytes(), free = free_bytes(store_.folder());
    if (!partial.finished().is_complete() && needed > free)
      throw Error(
          Errc::resource_exhausted,
          "{}: {} needs {} more, {} are free; {} of it are kept, the next pull goes on from "
          "there",
          store_.folder().string(), partial.digest().text(), format_bytes(needed),
          format_bytes(free), format_bytes(partial.finished().finished_bytes()));
  }

  // Downloads were let go of in between, or two pulls that want the same two blobs in another order
  // could wait for each other for ever. So another may have verified this one, or found it damaged.
  void verify(const Layer& blob) {
    const auto partial = open(blob);
    if (!partial) return;
    if (!partial->finished().is_complete()) complete(blob, *partial);
    partial->verify_and_commit(options_.cancelled);
  }

  const ModelStore& store_;
  const ModelName& name_;
  const TransferOptions& options_;
  TransferProgressFn progress_;
  RegistrySession session_;
};

}  // namespace

std::string blob_status(std::string_view verb, const Digest& digest) {
  constexpr size_t kShownDigits = 12;
  return fmt::format("{} {}", verb, digest.hex().substr(0, kShownDigits));
}

StoredModel pull_model(const ModelStore& store, const ModelName& name,
                       const TransferOptions& options, TransferProgressFn progress) {
  return Pull(store, name, options, progress).run();
}

}  // namespace hearth::store
