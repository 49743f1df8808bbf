// HEAD and POST /api/blobs/sha256:HEX: the files of a model before it is created.
#include <span>

#include "hearth/serve/ollama/errors.h"
#include "hearth/serve/ollama/handlers.h"
#include "hearth/serve/ollama/limits.h"
#include "hearth/store/store_writer.h"

namespace hearth::serve::ollama {
namespace {

using http::Request;
using http::Response;

store::Digest digest_of(const Request& request) {
  const auto digest = store::try_digest(request.parameter("digest"));
  if (!digest) throw Error(Errc::invalid_argument, "invalid digest format");
  return *digest;
}

Response status_only(int status) { return {.status = status, .headers = {}, .body = {}}; }

// Writes while the bytes arrive. A blob that is there already is only counted: its sender may read
// no answer before it has sent everything.
class BlobSink final : public http::BodySink {
 public:
  BlobSink(const store::ModelStore& store, const store::Digest& expected)
      : writer_(store), expected_(expected) {
    if (!writer_.blobs().try_size(expected)) blob_.emplace(writer_.blobs());
  }

  void write(std::string_view bytes) override {
    if (blob_) blob_->write(std::as_bytes(std::span(bytes.data(), bytes.size())));
  }

  Response finish() override {
    if (!blob_) return status_only(200);
    try {
      return status_only(blob_->commit(expected_).was_there ? 200 : 201);
    } catch (const Error& error) {
      blob_.reset();  // gone before the client hears of it
      // What the client sent is wrong, not what lies here.
      if (error.code() == Errc::corrupt_data) return error_response(400, error.what());
      throw;
    }
  }

 private:
  store::StoreWriter writer_;  // keeps prune() away from what is half written
  const store::Digest expected_;
  std::optional<store::BlobWriter> blob_;
};

std::unique_ptr<http::BodySink> open_blob(const Deps& deps, const Request& request) {
  return std::make_unique<BlobSink>(deps.store, digest_of(request));
}

}  // namespace

void add_blob_routes(http::Router& router, const SharedDeps& deps) {
  router.answer(
      "HEAD", "/api/blobs/{digest}",
      [deps](const Request& request) {
        return status_only(deps->store.blobs().try_size(digest_of(request)) ? 200 : 404);
      },
      route_options());
  router.upload(
      "POST", "/api/blobs/{digest}",
      [deps](const Request& request) { return open_blob(*deps, request); },
      route_options(kBlobBytesMax));
}

}  // namespace hearth::serve::ollama
