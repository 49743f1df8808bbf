// What the tests of pulls share: a small model, limits that make chunks of it, a registry that
// serves it and does one thing wrong.
#pragma once
#include <map>

#include "hearth/store/registry/finished_ranges.h"
#include "hearth/store/registry/http_server_for_test.h"
#include "hearth/store/registry/pull_model.h"
#include "hearth/store/registry/push_model.h"
#include "hearth/store/store_folder_for_test.h"

namespace hearth::store {

/// Bytes without a pattern that a wrong order would hide (a linear congruential generator,
/// Numerical Recipes, section 7.1).
inline std::string noise(size_t size, uint32_t seed = 1) {
  std::string text(size, '\0');
  for (char& c : text) {
    seed = 1664525 * seed + 1013904223;
    c = static_cast<char>(seed >> 24);
  }
  return text;
}

inline TransferOptions small_options() {
  TransferOptions options;
  options.limits.chunk_bytes = 64 << 10;
  options.limits.record_bytes = 16 << 10;
  options.limits.connections_max = 3;
  options.limits.attempts_max = 4;
  options.limits.backoff_first = std::chrono::milliseconds(1);
  options.limits.backoff_max = std::chrono::milliseconds(4);
  return options;
}

inline const auto kIgnoreTransfer = [](const TransferProgress&) {};

/// A registry with one model "m:latest" of one layer; each test replaces one kind of its answers.
class FakeRegistry {
 public:
  /// True when the request was answered.
  using Answer = std::function<bool(const SeenRequest&, ServerSocket&)>;

  explicit FakeRegistry(std::string layer, Answer answer = {})
      : layer_(std::move(layer)),
        config_("{}"),
        manifest_(manifest_of(sha256(layer_))),
        answer_(std::move(answer)),
        server_([this](const SeenRequest& request, ServerSocket& socket) {
          if (!answer_ || !answer_(request, socket)) serve(request, socket);
        }) {}

  ModelName name() const { return parse_model_name(server_.host() + "/library/m:latest"); }
  const std::string& host() const { return server_.host(); }
  const std::string& layer() const { return layer_; }
  Digest digest() const { return sha256(layer_); }
  std::string manifest_of(const Digest& digest) const {
    Manifest manifest;
    manifest.config = {.media_type = "application/vnd.docker.container.image.v1+json",
                       .digest = sha256(config_),
                       .size_bytes = config_.size(),
                       .from = "",
                       .name = ""};
    manifest.layers.push_back({.media_type = media_type(LayerKind::model),
                               .digest = digest,
                               .size_bytes = layer_.size(),
                               .from = "",
                               .name = ""});
    return print_manifest(manifest);
  }
  std::vector<SeenRequest> seen() const { return server_.seen(); }
  bool is_for_layer(const SeenRequest& request) const { return request.has(digest().hex()); }
  size_t layer_requests() const {
    size_t count = 0;
    for (const SeenRequest& request : seen()) count += is_for_layer(request) ? 1 : 0;
    return count;
  }

  /// The bytes that a request's Range asks for; all without one.
  ByteRange asked(const SeenRequest& request, size_t size) const {
    const std::string range = request.header("range");  // "bytes=0-99"
    if (range.empty()) return {0, size};
    const size_t dash = range.find('-');
    return {std::stoul(range.substr(6)), std::min(size, std::stoul(range.substr(dash + 1)) + 1)};
  }
  std::string content_range(ByteRange range, size_t size) const {
    return fmt::format("Content-Range: bytes {}-{}/{}\r\n", range.begin, range.end - 1, size);
  }

  void serve(const SeenRequest& request, ServerSocket& socket) {
    if (request.has("/manifests/")) return socket.answer(200, manifest_);
    const std::string& content = is_for_layer(request) ? layer_ : config_;
    const ByteRange range = asked(request, content.size());
    if (request.header("range").empty()) return socket.answer(200, content);
    socket.answer(206, content.substr(range.begin, range.size()),
                  content_range(range, content.size()));
  }

 private:
  std::string layer_, config_, manifest_;
  Answer answer_;
  HttpServerForTest server_;
};

/// The layer's bytes in a store after a pull.
inline std::string layer_text(const ModelStore& store, const StoredModel& model) {
  return read_file(store.blobs().path(model.manifest.layers.at(0).digest));
}

}  // namespace hearth::store
