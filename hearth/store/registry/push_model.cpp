#include "hearth/store/registry/push_model.h"

#include <nlohmann/json.hpp>
#include <set>

#include "hearth/base/error.h"
#include "hearth/store/json_object.h"
#include "hearth/store/registry/blob_upload.h"

namespace hearth::store {
namespace {

constexpr std::string_view kDefaultManifestType =
    "application/vnd.docker.distribution.manifest.v2+json";

/// What the manifest says of itself, which the registry holds against the request's header.
std::string manifest_type(std::string_view text, std::string_view where) {
  const nlohmann::json json = parse_json(text, where);
  std::string type = JsonObject(json, std::string(where))
                         .try_string("mediaType")
                         .value_or(std::string(kDefaultManifestType));
  for (const char c : type)
    if (c <= 0x20 || c >= 0x7F)
      throw Error(Errc::corrupt_data, "{}: 'mediaType': not a media type", where);
  return type;
}

class Push {
 public:
  Push(const ModelStore& store, const ModelName& name, const TransferOptions& options,
       TransferProgressFn progress)
      : store_(store),
        name_(name),
        progress_(progress),
        session_(name, options),
        connection_(session_, options.cancelled) {}

  void run() {
    say("retrieving manifest");
    const std::string text = store_.manifest_text(name_);
    const std::string where = "manifest of " + name_.full();
    const Manifest manifest = parse_manifest(text, where);
    std::set<Digest> sent;
    for (const Layer& layer : manifest.layers)
      if (sent.insert(layer.digest).second) send(layer);
    if (sent.insert(manifest.config.digest).second) send(manifest.config);
    say("pushing manifest");
    send_manifest(text, manifest_type(text, where));
    say("success");
  }

 private:
  void say(std::string status) { progress_({.status = std::move(status), .digest = std::nullopt}); }

  void say(const Layer& layer, uint64_t completed_bytes) {
    progress_({.status = blob_status("pushing", layer.digest),
               .digest = layer.digest,
               .total_bytes = layer.size_bytes,
               .completed_bytes = completed_bytes});
  }

  void send(const Layer& layer) {
    if (has_blob(connection_, layer.digest)) return say(layer, layer.size_bytes);
    say("starting upload");
    upload_blob(connection_, store_.blobs(), layer,
                [&](uint64_t uploaded_bytes) { say(layer, uploaded_bytes); });
  }

  void send_manifest(const std::string& text, const std::string& type) {
    const auto [answer, reply] =
        connection_.request_text({.method = "PUT",
                                  .address = session_.address("manifests/" + name_.tag),
                                  .headers = {"Content-Type: " + type},
                                  .body = text},
                                 kAnswerTextBytesMax);
    if (!answer.is_ok()) throw_answer("push model manifest", answer);
  }

  const ModelStore& store_;
  const ModelName& name_;
  TransferProgressFn progress_;
  RegistrySession session_;
  RegistryConnection connection_;
};

}  // namespace

void push_model(const ModelStore& store, const ModelName& name, const TransferOptions& options,
                TransferProgressFn progress) {
  Push(store, name, options, progress).run();
}

}  // namespace hearth::store
