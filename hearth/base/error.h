// The one exception type of Hearth, and the check for our own bugs.
//
// Error is thrown where something the outside world did makes the operation impossible; it is
// caught at boundaries only (a request, a job, a thread, main). HEARTH_CHECK is for what cannot
// happen unless we made a mistake; it stays on in release builds.
#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace hearth {

/// What went wrong, as far as a caller can act on it. Each maps once to an exit code and to an HTTP
/// status.
enum class Errc {
  invalid_argument,    // the caller's input is wrong: fix it and call again
  not_found,           // the named thing is not there
  conflict,            // it is there, but in a state that forbids this
  corrupt_data,        // bytes from outside break their format
  unsupported,         // well-formed, but Hearth cannot do it
  resource_exhausted,  // a named limit or the memory would be passed
  unavailable,         // not now: busy, shutting down, a device is gone
  io_failure,          // the operating system said no
  too_long,            // the input has more tokens than the context holds: shorten it
};

/// Stable lower_snake name of `code`, as used in JSON.
std::string_view name(Errc code);
/// Exit status of a program that ends with `code`: 2..10, never 0 or 1.
int exit_status(Errc code);

class Error : public std::runtime_error {
 public:
  /// `message` names the thing, the value and the limit; no trailing period.
  template <class... Args>
  Error(Errc code, fmt::format_string<Args...> message, Args&&... args)
      : std::runtime_error(fmt::format(message, std::forward<Args>(args)...)), code_(code) {}

  Errc code() const { return code_; }
  /// The same error with "`context`: " in front, for a boundary that knows the file or the request.
  Error with_context(std::string_view context) const { return {code_, "{}: {}", context, what()}; }

 private:
  Errc code_;
};

namespace detail {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}

}  // namespace hearth

/// Aborts with file and line when `condition` is false: a bug of ours, never the user's input.
#define HEARTH_CHECK(condition)       \
  ((condition) ? static_cast<void>(0) \
               : ::hearth::detail::check_failed(#condition, __FILE__, __LINE__))
