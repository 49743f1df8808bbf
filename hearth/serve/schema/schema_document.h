// A JSON Schema as it was sent: parsed, within limits, its references resolved, its places named.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hearth/serve/schema/json_schema.h"

namespace hearth::serve {

using Json = nlohmann::ordered_json;

/// Schemas that hold together, each once: what stands at a place must meet all.
using Conjunction = std::vector<const Json*>;

class SchemaDocument {
 public:
  /// Errors: invalid_argument (no JSON, with the place of the mistake), resource_exhausted.
  SchemaDocument(std::string_view text, const SchemaLimits& limits);

  const Json& root() const { return root_; }
  /// What each way to meet all of `schemas` asks for: references followed, allOf joined, one branch
  /// chosen of each anyOf and oneOf. Nothing where all ways contain `false`. An empty conjunction
  /// asks for nothing. Errors: invalid_argument (a reference that leads nowhere or to itself, a
  /// schema that is neither an object nor a boolean), unsupported, resource_exhausted.
  std::vector<Conjunction> ways(const Conjunction& schemas);

  /// "#/properties/date": a place in this document, as a JSON pointer (RFC 6901); only its end when
  /// it is long.
  std::string path_of(const Json& place) const;
  /// Throws `code` with "PATH: KEYWORD PROBLEM".
  [[noreturn]] void fail(Errc code, const Json& schema, std::string_view keyword,
                         std::string_view problem) const;

  // Keywords of a schema that is an object. Errors: invalid_argument (of another type).
  const Json* find(const Json& schema, const char* keyword) const;
  const std::string* find_string(const Json& schema, const char* keyword) const;
  std::optional<int64_t> find_count(const Json& schema, const char* keyword) const;
  const Json* find_number(const Json& schema, const char* keyword) const;
  const Json* find_object(const Json& schema, const char* keyword) const;
  const Json* find_list(const Json& schema, const char* keyword) const;
  bool is_true(const Json& schema, const char* keyword) const;

 private:
  using Ways = std::vector<Conjunction>;
  Ways expand(const Json& schema, std::vector<const Json*>& open);
  Ways expand_branches(const Json& schema, const char* keyword, std::vector<const Json*>& open);
  Ways both(const Ways& a, const Ways& b);
  void spend(size_t work);
  void note_places(const Json& parent);
  const Json& resolve(const Json& schema, const std::string& reference) const;

  struct Place {
    const Json* parent;
    std::string key;  // in the parent, cut when it is long
  };
  SchemaLimits limits_;
  Json root_;
  std::unordered_map<const Json*, Place> places_;  // of all values but the root
  size_t work_ = 0;                                // schemas looked at and joined so far
};

}  // namespace hearth::serve
