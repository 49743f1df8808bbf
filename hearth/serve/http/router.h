// Which handler answers a method and a path.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hearth/serve/http/body_sink.h"
#include "hearth/serve/http/request.h"
#include "hearth/serve/http/responder.h"
#include "hearth/serve/http/response.h"

namespace hearth::http {

/// Answers one request, on a handler thread. A handler that answers later moves the responder to
/// where it goes on; the request lives as long as the responder. What it throws before that becomes
/// an answer: hearth::Error as RouteOptions says, anything else a 500 without details.
using Handler = std::function<void(const Request&, Responder&)>;
/// The same for an answer that is there at once.
using AnswerHandler = std::function<Response(const Request&)>;

struct RouteOptions {
  std::optional<uint64_t> body_bytes_max = {};  // instead of Limits::body_bytes_max
  /// Answers what handler or sink throws; empty: status_of(code) in the server's ErrorForm. Must
  /// not throw.
  std::function<Response(const Error&)> error_answer = {};
};

class Router {
 public:
  struct Route {
    std::string method;
    Handler handler;     // or
    OpenSink open_sink;  // what takes the body while it arrives
    RouteOptions options;
  };
  struct Match {
    const Route* route = nullptr;  // null: 404 when `allow` is empty, else 405
    std::vector<std::pair<std::string, std::string>> parameters;
    std::string allow;  // methods of this path, as in the header Allow
  };

  /// `pattern` begins with '/'; a segment "{name}" takes one non-empty segment, "{name...}" at the
  /// end takes all that are left, joined by '/', at least one. Where several patterns fit, a
  /// literal segment wins over {name}, and that over {name...}. GET also answers HEAD. The same
  /// method and shape of pattern twice is a bug.
  void stream(std::string_view method, std::string_view pattern, Handler handler,
              RouteOptions options = {});
  void answer(std::string_view method, std::string_view pattern, AnswerHandler handler,
              RouteOptions options = {});
  /// For bodies of any size. HEAD and GET have none.
  void upload(std::string_view method, std::string_view pattern, OpenSink open_sink,
              RouteOptions options = {});

  /// `segments` are the decoded ones of Target. The route stays valid until the router changes.
  Match find(std::string_view method, const std::vector<std::string>& segments) const;

 private:
  // In the order of precedence.
  enum class Kind { literal, one, rest };
  struct Part {
    Kind kind;
    std::string text;  // the literal, or the parameter's name
  };
  struct Entry {
    std::vector<Part> parts;
    std::vector<Route> routes;
  };

  void add(std::string_view pattern, Route route);
  static std::vector<Part> parse_pattern(std::string_view pattern);
  static bool comes_before(const std::vector<Part>& a, const std::vector<Part>& b);
  static bool same_shape(const std::vector<Part>& a, const std::vector<Part>& b);
  static bool fits(const std::vector<Part>& parts, const std::vector<std::string>& segments);
  static const Route* route_for(const Entry& entry, std::string_view method);

  std::vector<Entry> entries_;  // sorted: the first that fits wins
};

}  // namespace hearth::http
