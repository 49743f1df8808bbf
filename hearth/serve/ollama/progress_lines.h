// The report on a long piece of work, line by line: create, pull, push.
#pragma once
#include <string>

#include "hearth/serve/http/streaming.h"
#include "hearth/serve/ollama/routes.h"

namespace hearth::serve::ollama {

/// {"status":…} with digest, total and completed where there are any.
std::string progress_line(const TransferProgress& progress);

/// Sends lines as they come, or, where the client wants none, only the last.
class ProgressLines {
 public:
  ProgressLines(bool streams, http::Responder responder)
      : streams_(streams), stream_(std::move(responder)) {}

  /// Errors: unavailable (the client has left, so the work is for nobody).
  void say(const TransferProgress& progress);
  /// "success", and the end.
  void succeed();
  void fail(const Error& error);

 private:
  const bool streams_;
  http::NdjsonStream stream_;
};

}  // namespace hearth::serve::ollama
