// A JSON file of a model folder, read field by field with errors that name the file and the field.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/files.h"

namespace hearth::store {

/// Parses the file. Errors: not_found, io_failure, resource_exhausted (256 MiB), corrupt_data (not
/// JSON, nested deeper than 64).
nlohmann::json read_json(const fs::path& path);
/// Parses text that is already in memory; `where` names it in errors. Errors: corrupt_data, as
/// above.
nlohmann::json parse_json(std::string_view text, std::string_view where);

/// `json` as one line. Errors: invalid_argument (a string that is not UTF-8).
std::string print_json(const nlohmann::ordered_json& json);

/// A view of an object inside a parsed file; the file's json must outlive it. A field that is null
/// counts as absent. A field of another type than asked for is corrupt_data.
class JsonObject {
 public:
  /// `where` names the object in messages: "…/config.json". Errors: corrupt_data when `value` is
  /// not an object.
  JsonObject(const nlohmann::json& value, std::string where);

  const std::string& where() const { return where_; }
  bool has(std::string_view key) const { return find(key) != nullptr; }
  /// The field itself, or nullptr when absent.
  const nlohmann::json* find(std::string_view key) const;

  std::optional<uint64_t> try_u64(std::string_view key) const;
  std::optional<double> try_f64(std::string_view key) const;
  std::optional<bool> try_bool(std::string_view key) const;
  std::optional<std::string> try_string(std::string_view key) const;
  std::optional<JsonObject> try_object(std::string_view key) const;
  /// A list of numbers.
  std::optional<std::vector<float>> try_floats(std::string_view key) const;
  /// A number or a list of numbers, as ids of tokens are given; what is no id is skipped, absent is
  /// an empty list.
  std::vector<uint64_t> ids(std::string_view key) const;
  /// As above; absent is corrupt_data.
  uint64_t u64(std::string_view key) const;
  double f64(std::string_view key) const;
  std::string string(std::string_view key) const;
  JsonObject object(std::string_view key) const;

 private:
  [[noreturn]] void wrong(std::string_view key, std::string_view problem) const;

  const nlohmann::json* value_;
  std::string where_;
};

}  // namespace hearth::store
