// A model's manifest: which blobs make it, as an image manifest of Docker's registry (version 2,
// schema 2) with the media types of Ollama.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/store/digest.h"

namespace hearth::store {

/// What a layer is for. `other` is kept and copied but not used.
enum class LayerKind {
  model,      // GGUF
  projector,  // GGUF of a vision encoder
  adapter,    // LoRA weights
  template_,  // text/template or Jinja
  prompt,     // deprecated by Ollama
  system,     // text
  params,     // JSON object
  messages,   // JSON list of {role, content}
  license,    // text; a model may have several
  embed,      // deprecated by Ollama
  other,
};

/// "application/vnd.ollama.image.model" and so on; `kind` must not be `other`.
std::string media_type(LayerKind kind);

struct Layer {
  std::string media_type;
  Digest digest;
  uint64_t size_bytes = 0;
  std::string from;  // the model it was taken over from; may be empty
  std::string name;  // of a tensor, in models that are stored tensor by tensor; may be empty

  LayerKind kind() const;
  bool operator==(const Layer&) const = default;
};

struct Manifest {
  Layer config;
  std::vector<Layer> layers;

  /// Of the config and the layers together; a blob that is named twice counts twice.
  uint64_t size_bytes() const;
  /// Of the layers and the config, each once, in order.
  std::vector<Digest> digests() const;
  /// The first layer of a kind, or nullptr.
  const Layer* find(LayerKind kind) const;
  bool operator==(const Manifest&) const = default;
};

/// Parses a manifest's JSON; fields that are not known are passed over. `where` names the file in
/// errors. Errors: corrupt_data naming file and field, unsupported (another schema version).
Manifest parse_manifest(std::string_view text, std::string_view where);

/// The manifest as JSON, in the order of fields that Ollama writes.
std::string print_manifest(const Manifest& manifest);

}  // namespace hearth::store
