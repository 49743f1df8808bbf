// Which API a path belongs to, and the name under which its requests are counted: one of a fixed
// list, whatever clients ask for.
#pragma once
#include <string_view>

namespace hearth::serve {

/// Views of constants.
struct RouteLabel {
  std::string_view api;   // "ollama", "openai", "anthropic", "hearth"; "other" for an unknown path
  std::string_view path;  // "/api/blobs/{digest}"; "other" for an unknown path
};

/// `path` as decoded, without a query.
RouteLabel route_label(std::string_view path);

}  // namespace hearth::serve
