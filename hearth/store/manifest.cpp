#include "hearth/store/manifest.h"

#include <nlohmann/json.hpp>
#include <set>

#include "hearth/base/error.h"
#include "hearth/formats/printable.h"
#include "hearth/store/json_object.h"

namespace hearth::store {
namespace {

constexpr std::string_view kManifestType = "application/vnd.docker.distribution.manifest.v2+json";
constexpr std::string_view kOllamaPrefix = "application/vnd.ollama.image.";
constexpr uint64_t kSchemaVersion = 2;

struct KindRow {
  LayerKind kind;
  std::string_view name;  // the end of the media type
};

constexpr KindRow kKinds[] = {
    {LayerKind::model, "model"},     {LayerKind::projector, "projector"},
    {LayerKind::adapter, "adapter"}, {LayerKind::template_, "template"},
    {LayerKind::prompt, "prompt"},   {LayerKind::system, "system"},
    {LayerKind::params, "params"},   {LayerKind::messages, "messages"},
    {LayerKind::license, "license"}, {LayerKind::embed, "embed"},
};

Layer parse_layer(const JsonObject& object) {
  Layer layer;
  layer.media_type = object.string("mediaType");
  const std::string digest = object.string("digest");
  const auto parsed = try_digest(digest);
  if (!parsed)
    throw Error(Errc::corrupt_data, "{}: 'digest': '{}' is not sha256: and 64 hexadecimal digits",
                object.where(), formats::printable(digest));
  layer.digest = *parsed;
  layer.size_bytes = object.u64("size");
  layer.from = object.try_string("from").value_or("");
  layer.name = object.try_string("name").value_or("");
  return layer;
}

nlohmann::ordered_json print_layer(const Layer& layer) {
  nlohmann::ordered_json json{
      {"mediaType", layer.media_type}, {"digest", layer.digest.text()}, {"size", layer.size_bytes}};
  if (!layer.from.empty()) json["from"] = layer.from;
  if (!layer.name.empty()) json["name"] = layer.name;
  return json;
}

// Sizes are added up by size_bytes(), which must not wrap.
void check_sizes(const Manifest& manifest, std::string_view where) {
  uint64_t left_bytes = uint64_t{1} << 62;
  const auto take = [&](const Layer& layer) {
    if (layer.size_bytes > left_bytes)
      throw Error(Errc::corrupt_data, "{}: 'size': more than 2^62 bytes in all", where);
    left_bytes -= layer.size_bytes;
  };
  take(manifest.config);
  for (const Layer& layer : manifest.layers) take(layer);
}

}  // namespace

std::string media_type(LayerKind kind) {
  for (const KindRow& row : kKinds)
    if (row.kind == kind) return fmt::format("{}{}", kOllamaPrefix, row.name);
  HEARTH_CHECK(!"a kind without a media type");
  return {};
}

LayerKind Layer::kind() const {
  std::string_view type = media_type;
  if (!type.starts_with(kOllamaPrefix)) return LayerKind::other;
  type.remove_prefix(kOllamaPrefix.size());
  for (const KindRow& row : kKinds)
    if (row.name == type) return row.kind;
  return LayerKind::other;
}

uint64_t Manifest::size_bytes() const {
  uint64_t total = config.size_bytes;
  for (const Layer& layer : layers) total += layer.size_bytes;
  return total;
}

std::vector<Digest> Manifest::digests() const {
  std::vector<Digest> digests;
  std::set<Digest> seen;
  for (const Layer& layer : layers)
    if (seen.insert(layer.digest).second) digests.push_back(layer.digest);
  if (seen.insert(config.digest).second) digests.push_back(config.digest);
  return digests;
}

const Layer* Manifest::find(LayerKind kind) const {
  for (const Layer& layer : layers)
    if (layer.kind() == kind) return &layer;
  return nullptr;
}

Manifest parse_manifest(std::string_view text, std::string_view where) {
  const nlohmann::json json = parse_json(text, where);
  const JsonObject object(json, std::string(where));
  const uint64_t version = object.u64("schemaVersion");
  if (version != kSchemaVersion)
    throw Error(Errc::unsupported, "{}: 'schemaVersion': {}, only {} is known", where, version,
                kSchemaVersion);
  Manifest manifest;
  manifest.config = parse_layer(object.object("config"));
  const nlohmann::json* layers = object.find("layers");
  if (layers && !layers->is_array())
    throw Error(Errc::corrupt_data, "{}: 'layers': not a list", where);
  for (size_t i = 0; layers && i < layers->size(); ++i)
    manifest.layers.push_back(
        parse_layer(JsonObject((*layers)[i], fmt::format("{}: 'layers[{}]'", where, i))));
  check_sizes(manifest, where);
  return manifest;
}

std::string print_manifest(const Manifest& manifest) {
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  for (const Layer& layer : manifest.layers) layers.push_back(print_layer(layer));
  return print_json({{"schemaVersion", kSchemaVersion},
                     {"mediaType", kManifestType},
                     {"config", print_layer(manifest.config)},
                     {"layers", std::move(layers)}});
}

}  // namespace hearth::store
