// One HTTP request and its answer over libcurl, which is seen by http_exchange.cpp and
// web_address.cpp only.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "hearth/base/function_ref.h"
#include "hearth/store/registry/transfer_limits.h"
#include "hearth/store/registry/web_address.h"

namespace hearth::store {

/// Bytes of a file as the body of a request.
struct FileBody {
  int fd = -1;  // borrowed
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;
};

struct HttpRequest {
  std::string method;  // "GET", "HEAD", "POST", "PATCH", "PUT"
  WebAddress address;
  std::vector<std::string> headers;  // "Name: value"
  std::string body;
  std::optional<FileBody> file;  // instead of `body`
};

struct HttpAnswer {
  int status = 0;                              // 0 when none came
  std::map<std::string, std::string> headers;  // names in lower case; the last of a name
  std::string body;     // of an answer that is not 2xx, cut at kAnswerTextBytesMax
  std::string failure;  // why the answer is missing or not whole; another attempt may help

  bool is_ok() const { return failure.empty() && status >= 200 && status < 300; }
  /// Empty when the header is missing.
  std::string header(const std::string& name) const;
};

/// Receives the body of a 2xx answer in pieces; `head` has status and headers. An exception thrown
/// by it ends the exchange and is passed on.
using HttpBodyFn = FunctionRef<void(const HttpAnswer& head, std::span<const std::byte> bytes)>;
/// Told how many bytes of a request's file were read so far; may throw as above.
using HttpSentFn = FunctionRef<void(uint64_t sent_bytes)>;

/// The connections of one thread, kept open between exchanges. Never follows a redirect, never
/// sends a header that was not asked for but Host, User-Agent, Accept and the body's length.
class HttpConnection {
 public:
  HttpConnection(const TransferLimits& limits, std::stop_token cancelled);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  /// Errors: unavailable (cancelled; a certificate that does not fit), corrupt_data (a head above
  /// kAnswerHeadBytesMax). What another attempt may heal is no error but `failure`.
  HttpAnswer exchange(const HttpRequest& request, HttpBodyFn body, HttpSentFn sent);
  HttpAnswer exchange(const HttpRequest& request, HttpBodyFn body);

  const std::stop_token& cancelled() const { return cancelled_; }

 private:
  struct Handles;

  TransferLimits limits_;
  std::stop_token cancelled_;
  std::unique_ptr<Handles> handles_;
};

/// Throws the error that a cancelled transfer ends with.
[[noreturn]] void throw_cancelled();

}  // namespace hearth::store
