// The native API as the command line uses it: of a running daemon, or in this process.
#pragma once
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/base/files.h"
#include "hearth/base/function_ref.h"
#include "hearth/serve/output/message.h"

namespace hearth::serve {

/// Errors of all functions: what the API answered, as the code of its status (code_of()) with its
/// text; unavailable when the daemon has gone, or when `stop` was requested.
class Api {
 public:
  using OnLine = FunctionRef<void(const Json&)>;

  virtual ~Api() = default;
  /// "http://127.0.0.1:11434", or "this process".
  virtual const std::string& where() const = 0;
  /// Sends `body` unless it is null, and gives the answer's JSON; null where the answer is empty.
  virtual Json call(std::string_view method, const std::string& target, const Json& body,
                    std::stop_token stop) = 0;
  /// The same for an answer of one JSON object a line; each goes to `on_line` as it comes. A line
  /// {"error": …} ends it as an error.
  virtual void stream(std::string_view method, const std::string& target, const Json& body,
                      OnLine on_line, std::stop_token stop) = 0;
  /// POSTs a file as it is; `on_progress` is told the bytes that went out.
  virtual void upload(const std::string& target, const fs::path& file,
                      FunctionRef<void(uint64_t sent_bytes)> on_progress, std::stop_token stop) = 0;
};

/// The error code behind a status, the inverse of http::status_of().
Errc code_of(int status);
/// The error that a body {"error": "text"} or {"error": {"message": "text"}} tells; the body itself
/// where it is neither.
Error error_of(int status, std::string_view body);

/// Cuts a stream of bytes into lines of JSON.
class JsonLines {
 public:
  /// Calls `on_line` for every line that is whole now; empty ones are passed over. Errors:
  /// corrupt_data (no JSON, a line above kLineBytesMax), and the one that a line tells.
  void feed(std::string_view bytes, Api::OnLine on_line);
  /// The end: a last line may come without its line break. Errors: as feed().
  void finish(Api::OnLine on_line);

  static constexpr size_t kLineBytesMax = 64 << 20;

 private:
  std::string open_line_;
};

}  // namespace hearth::serve
