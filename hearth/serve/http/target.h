// The target of a request line: path and query, taken apart and percent-decoded (RFC 3986, RFC
// 9112).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::http {

/// `text` with %XX replaced by bytes; absent when a '%' has no two hexadecimal digits behind it or
/// a decoded byte is NUL, which no name on this server holds.
///   plus_is_space   also turns '+' into ' ', as forms do in a query
std::optional<std::string> decode_percent(std::string_view text, bool plus_is_space = false);

/// The names and values of a query in order, decoded.
class Query {
 public:
  /// Parses "a=1&b=&c" (without '?'); absent when something in it cannot be decoded.
  static std::optional<Query> parse(std::string_view text);

  /// The first value of `name`; null when there is none.
  const std::string* find(std::string_view name) const;
  size_t size() const { return pairs_.size(); }

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

/// Where a request points.
struct Target {
  std::string authority;              // of the absolute form "http://AUTHORITY/path", else empty
  std::string path;                   // decoded, begins with '/'; "*" for a whole server
  std::vector<std::string> segments;  // decoded parts between '/'; a part may hold '/' (from %2F)
  Query query;
};

/// Parses the origin form "/path?query", the absolute form and "*". Absent when it is none of them,
/// cannot be decoded, holds a byte that no target may hold (control, space, above 0x7E), or has a
/// segment "." or ".." (also as %2E): no client of ours sends them, and nothing behind this line
/// has to fear them.
std::optional<Target> parse_target(std::string_view text);

}  // namespace hearth::http
