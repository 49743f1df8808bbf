// Header fields of a request or an answer: in order, names compared without case.
#pragma once
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::http {

/// True when `a` and `b` are equal but for the case of ASCII letters.
bool equal_ignoring_case(std::string_view a, std::string_view b);
/// True for a token of RFC 9110, 5.6.2: what may be a method or a field's name.
bool is_token(std::string_view text);
/// Without the spaces and tabs at both ends.
std::string_view trimmed(std::string_view text);

class Headers {
 public:
  using Field = std::pair<std::string, std::string>;

  Headers() = default;
  /// Errors as of add().
  Headers(std::initializer_list<Field> fields);

  /// Appends a field. Errors: invalid_argument when `name` is no token or `value` holds a control
  /// character, with which an answer could be split in two (RFC 9110, 5.5).
  void add(std::string name, std::string value);
  /// Replaces every field of that name. Errors as of add().
  void set(std::string name, std::string value);
  /// The value of the first field `name`; null when there is none.
  const std::string* find(std::string_view name) const;
  /// As find(), but `fallback` when there is none.
  std::string_view get(std::string_view name, std::string_view fallback = "") const;
  size_t count(std::string_view name) const;
  /// True when a field `name` lists `element`, separated by commas and without case
  /// ("Connection: keep-alive, Upgrade").
  bool lists(std::string_view name, std::string_view element) const;

  bool empty() const { return fields_.empty(); }
  size_t size() const { return fields_.size(); }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<Field> fields_;
};

}  // namespace hearth::http
