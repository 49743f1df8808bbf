#include "hearth/serve/ollama/progress_lines.h"

#include "hearth/serve/api/json_text.h"
#include "hearth/serve/ollama/errors.h"

namespace hearth::serve::ollama {

std::string progress_line(const TransferProgress& progress) {
  Json line = Json::object({{"status", progress.status}});
  if (progress.digest) line["digest"] = progress.digest->text();
  if (progress.total_bytes > 0) {
    line["total"] = progress.total_bytes;
    // Zero is what clients take an absent one for.
    if (progress.done_bytes > 0) line["completed"] = progress.done_bytes;
  }
  return json_text(line);
}

void ProgressLines::say(const TransferProgress& progress) {
  if (streams_ && !stream_.line(progress_line(progress)))
    throw Error(Errc::unavailable, "the client has left");
}

void ProgressLines::succeed() {
  const std::string line = progress_line({.status = "success", .digest = {}});
  if (!streams_) return stream_.send(http::Response::json(200, line));
  stream_.line(line);
  stream_.finish();
}

void ProgressLines::fail(const Error& error) { stream_.fail(error_response(error)); }

}  // namespace hearth::serve::ollama
