// A request's body that is taken while it arrives, for bodies that do not fit in memory.
#pragma once
#include <functional>
#include <memory>
#include <string_view>

#include "hearth/serve/http/request.h"
#include "hearth/serve/http/response.h"

namespace hearth::http {

/// Made for one request. Its calls come one after the other, each on some handler thread, so they
/// may wait, for a disk say; meanwhile no more is read than Limits::upload_bytes_max. What any of
/// them throws is the answer, sent at once: hearth::Error as RouteOptions says, anything else a 500
/// without details. When the client leaves, or the body passes a limit, the sink is destroyed
/// without finish().
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// The next bytes of the body, at least one.
  virtual void write(std::string_view bytes) = 0;
  /// The body was whole: the answer.
  virtual Response finish() = 0;
};

/// Makes the sink, on a handler thread, when the first bytes are there or when it is known that
/// there are none. The request has no body and outlives the sink.
using OpenSink = std::function<std::unique_ptr<BodySink>(const Request&)>;

}  // namespace hearth::http
