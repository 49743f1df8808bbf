// A request's JSON body, read field by field with errors that name the field. Shared by all APIs.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/serve/output/message.h"

namespace hearth::serve {

/// A field of the request that is wrong: invalid_argument, "PATH PROBLEM".
class FieldError : public Error {
 public:
  FieldError(std::string field, std::string_view problem)
      : Error(Errc::invalid_argument, "{} {}", field, problem), field_(std::move(field)) {}

  /// "messages[3].role".
  const std::string& field() const { return field_; }

 private:
  std::string field_;
};

inline constexpr int kJsonDepthMax = 64;  // of nesting in a request's body
/// Of one object: with ordered keys it takes quadratic time to build.
inline constexpr int kJsonKeysMax = 4096;

/// Parses a request's body. Errors: invalid_argument ("missing request body", what is wrong where,
/// nested deeper than kJsonDepthMax, an object with more keys than kJsonKeysMax).
Json parse_body(std::string_view body);

/// A view of a JSON object, which must outlive it. A field that is null counts as absent. A field
/// of another type than asked for is a FieldError: `messages[3].role must be a string`.
class Fields {
 public:
  /// `where` names the object in errors: "", "messages[3]". Errors: invalid_argument when `value`
  /// is no object.
  explicit Fields(const Json& value, std::string where = "");

  /// The field, or nullptr.
  const Json* find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }
  /// "messages[3].role": how errors name a field.
  std::string path(std::string_view key) const;

  std::optional<std::string> try_string(std::string_view key) const;
  std::optional<bool> try_bool(std::string_view key) const;
  /// A number without a fraction, also when it is written "3.0".
  std::optional<int64_t> try_integer(std::string_view key) const;
  std::optional<double> try_number(std::string_view key) const;
  std::optional<Fields> try_object(std::string_view key) const;
  /// The elements of a list; nothing when absent. `count_max` elements at most.
  std::optional<std::vector<const Json*>> try_list(std::string_view key, size_t count_max) const;
  /// A string, or a list of strings.
  std::optional<std::vector<std::string>> try_strings(std::string_view key, size_t count_max) const;

  /// The same for a field that must be there: `model is required`.
  std::string string(std::string_view key) const;

  /// Throws a FieldError.
  [[noreturn]] void wrong(std::string_view key, std::string_view problem) const;

 private:
  const Json* value_;
  std::string where_;
};

}  // namespace hearth::serve
