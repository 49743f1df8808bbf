#include "hearth/store/store_writer.h"

#include "hearth/base/error.h"
#include "hearth/formats/printable.h"

namespace hearth::store {
namespace {

// The media type that Docker gives to the configuration of an image.
constexpr std::string_view kConfigType = "application/vnd.docker.container.image.v1+json";

Layer layer_of(std::string type, const AddedBlob& blob) {
  Layer layer;
  layer.media_type = std::move(type);
  layer.digest = blob.digest;
  layer.size_bytes = blob.size_bytes;
  return layer;
}

void check_is_there(const BlobFolder& blobs, const Layer& layer) {
  const auto size_bytes = blobs.try_size(layer.digest);
  if (!size_bytes)
    throw Error(Errc::corrupt_data, "{}: missing, the manifest names it as {}",
                blobs.path(layer.digest).string(), formats::printable(layer.media_type));
  if (*size_bytes != layer.size_bytes)
    throw Error(Errc::corrupt_data, "{}: damaged: {} bytes, the manifest says {}",
                blobs.path(layer.digest).string(), *size_bytes, layer.size_bytes);
}

}  // namespace

StoreWriter::StoreWriter(const ModelStore& store)
    : store_(store), lock_(StoreLock::shared(store.lock_file())) {}

Layer StoreWriter::add_text(LayerKind kind, std::string_view text) const {
  return layer_of(media_type(kind), blobs().add_text(text));
}

Layer StoreWriter::add_file(LayerKind kind, const fs::path& file, TakeFile how,
                            BlobProgressFn progress) const {
  return layer_of(media_type(kind), blobs().add_file(file, how, progress));
}

Layer StoreWriter::add_config(std::string_view json) const {
  return layer_of(std::string(kConfigType), blobs().add_text(json));
}

StoredModel StoreWriter::commit(const ModelName& name, const Manifest& manifest) const {
  return commit_text(name, print_manifest(manifest));
}

StoredModel StoreWriter::commit_text(const ModelName& name, std::string_view text) const {
  const Manifest manifest = parse_manifest(text, "manifest of " + name.full());
  check_is_there(blobs(), manifest.config);
  for (const Layer& layer : manifest.layers) check_is_there(blobs(), layer);
  const ModelName stored = store_.manifests_.stored_name(name);
  store_.manifests_.write(stored, text);
  return store_.read_manifest({stored, store_.manifests_.path(stored)});
}

}  // namespace hearth::store
