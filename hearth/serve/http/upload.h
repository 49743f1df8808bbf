// A request's body on its way from the IO thread into its sink on the handler threads.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "hearth/serve/http/body_sink.h"
#include "hearth/serve/http/exchange.h"

namespace hearth::http {

/// Used by one thread at a time. Destroying it may wait for a disk: not on the IO thread.
class Upload {
 public:
  /// `open` must outlive the upload.
  Upload(const OpenSink& open, std::shared_ptr<Exchange> exchange)
      : open_(open), exchange_(std::move(exchange)) {}

  const Exchange& exchange() const { return *exchange_; }
  /// Errors: what the sink throws.
  void write(std::string_view bytes) { sink().write(bytes); }
  Response finish() { return sink().finish(); }

 private:
  BodySink& sink() {
    if (!sink_) sink_ = open_(exchange_->request());
    return *sink_;
  }

  const OpenSink& open_;
  std::shared_ptr<Exchange> exchange_;  // its request outlives the sink
  std::unique_ptr<BodySink> sink_;
};

}  // namespace hearth::http
