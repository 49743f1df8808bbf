#include "hearth/serve/schema/schema_document.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "hearth/serve/schema/code_points.h"

namespace hearth::serve {
namespace {

// Of names in messages: they come from outside and may be as long as the schema.
constexpr size_t kPathShown = 200;

Json parse(std::string_view text, const SchemaLimits& limits) {
  if (text.size() > limits.schema_bytes_max)
    throw Error(Errc::resource_exhausted, "schema: {} bytes, at most {}", text.size(),
                limits.schema_bytes_max);
  const auto check_depth = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > limits.nesting_max)
      throw Error(Errc::resource_exhausted, "schema: nests deeper than {}", limits.nesting_max);
    return true;
  };
  try {
    return Json::parse(text, check_depth);
  } catch (const Json::exception& e) {
    throw Error(Errc::invalid_argument, "schema: {}", e.what());
  }
}

std::string escaped(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A pointer in a URI's fragment is percent-encoded (RFC 6901, section 6).
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_code = text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                         hex_value(text[i + 2]) >= 0;
    out +=
        is_code ? static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])) : text[i];
    if (is_code) i += 2;
  }
  return out;
}

void add(Conjunction& all, const Json* schema) {
  if (std::find(all.begin(), all.end(), schema) == all.end()) all.push_back(schema);
}

}  // namespace

SchemaDocument::SchemaDocument(std::string_view text, const SchemaLimits& limits)
    : limits_(limits), root_(parse(text, limits)) {
  note_places(root_);
}

void SchemaDocument::note_places(const Json& parent) {
  size_t index = 0;
  const auto note = [&](const Json& value, std::string key) {
    places_.emplace(&value, Place{&parent, std::move(key)});
    if (value.is_structured()) note_places(value);
  };
  if (parent.is_object())
    for (const auto& [key, value] : parent.items()) note(value, escaped(shortened(key)));
  if (parent.is_array())
    for (const Json& value : parent) note(value, fmt::format("{}", index++));
}

std::string SchemaDocument::path_of(const Json& place) const {
  std::string path;
  for (const Json* at = &place; at != &root_; at = places_.at(at).parent) {
    if (path.size() > kPathShown) return "..." + path;
    path = "/" + places_.at(at).key + path;
  }
  return "#" + path;
}

void SchemaDocument::fail(Errc code, const Json& schema, std::string_view keyword,
                          std::string_view problem) const {
  throw Error(code, "{}: {} {}", path_of(schema), keyword, problem);
}

// References can share their targets: the same schema may be met again and again, without a circle.
void SchemaDocument::spend(size_t work) {
  work_ += work;
  if (work_ > limits_.work_max)
    throw Error(Errc::resource_exhausted, "schema: its places join more than {} schemas",
                limits_.work_max);
}

std::vector<Conjunction> SchemaDocument::ways(const Conjunction& schemas) {
  Ways all = {{}};
  for (const Json* schema : schemas) {
    std::vector<const Json*> open;
    all = both(all, expand(*schema, open));
  }
  return all;
}

// `open`: the schemas whose references and branches are being followed. To meet one of them again
// before any property or item is to ask for nothing but itself.
SchemaDocument::Ways SchemaDocument::expand(const Json& schema, std::vector<const Json*>& open) {
  spend(1);
  if (schema.is_boolean()) return schema.get<bool>() ? Ways{{}} : Ways{};
  if (!schema.is_object()) fail(Errc::invalid_argument, schema, "schema", "must be an object");
  if (std::find(open.begin(), open.end(), &schema) != open.end())
    fail(Errc::invalid_argument, schema, "$ref", "leads back to itself");
  if (open.size() >= static_cast<size_t>(limits_.nesting_max))
    fail(Errc::resource_exhausted, schema, "$ref",
         fmt::format("leads through more than {} schemas", limits_.nesting_max));
  open.push_back(&schema);
  Ways all = {{&schema}};
  if (const std::string* reference = find_string(schema, "$ref"))
    all = both(all, expand(resolve(schema, *reference), open));
  if (const Json* parts = find_list(schema, "allOf"))
    for (const Json& part : *parts) all = both(all, expand(part, open));
  for (const char* keyword : {"anyOf", "oneOf"})
    if (find_list(schema, keyword)) all = both(all, expand_branches(schema, keyword, open));
  open.pop_back();
  return all;
}

SchemaDocument::Ways SchemaDocument::expand_branches(const Json& schema, const char* keyword,
                                                     std::vector<const Json*>& open) {
  Ways all;
  for (const Json& branch : *find_list(schema, keyword)) {
    Ways more = expand(branch, open);
    std::move(more.begin(), more.end(), std::back_inserter(all));
  }
  return all;
}

SchemaDocument::Ways SchemaDocument::both(const Ways& a, const Ways& b) {
  if (a.size() * b.size() > limits_.alternatives_max)
    throw Error(Errc::resource_exhausted, "schema: more than {} ways to choose branches of anyOf",
                limits_.alternatives_max);
  Ways all;
  for (const Conjunction& x : a)
    for (const Conjunction& y : b) {
      spend(x.size() + y.size());
      Conjunction joined = x;
      for (const Json* schema : y) add(joined, schema);
      all.push_back(std::move(joined));
    }
  return all;
}

const Json& SchemaDocument::resolve(const Json& schema, const std::string& reference) const {
  if (reference.empty() || reference[0] != '#' || (reference.size() > 1 && reference[1] != '/'))
    fail(Errc::unsupported, schema, "$ref",
         fmt::format("'{}' is no pointer within the schema (#/...)", shortened(reference)));
  try {
    return root_.at(Json::json_pointer(percent_decoded(reference.substr(1))));
  } catch (const Json::exception&) {
    fail(Errc::invalid_argument, schema, "$ref",
         fmt::format("'{}' leads nowhere", shortened(reference)));
  }
}

const Json* SchemaDocument::find(const Json& schema, const char* keyword) const {
  const auto at = schema.find(keyword);
  return at == schema.end() ? nullptr : &*at;
}

const std::string* SchemaDocument::find_string(const Json& schema, const char* keyword) const {
  const Json* value = find(schema, keyword);
  if (value && !value->is_string())
    fail(Errc::invalid_argument, schema, keyword, "must be a string");
  return value ? value->get_ptr<const std::string*>() : nullptr;
}

std::optional<int64_t> SchemaDocument::find_count(const Json& schema, const char* keyword) const {
  constexpr double kMax = 1e15;  // beyond any answer; keeps sums of counts far from overflow
  const Json* value = find_number(schema, keyword);
  if (value == nullptr) return std::nullopt;
  const auto number = value->get<double>();
  if (number >= kMax) return static_cast<int64_t>(kMax);
  if (!(number >= 0) || number != std::floor(number))
    fail(Errc::invalid_argument, schema, keyword, "must be a whole number of at least 0");
  return static_cast<int64_t>(number);
}

const Json* SchemaDocument::find_number(const Json& schema, const char* keyword) const {
  const Json* value = find(schema, keyword);
  if (value && !value->is_number())
    fail(Errc::invalid_argument, schema, keyword, "must be a number");
  return value;
}

const Json* SchemaDocument::find_object(const Json& schema, const char* keyword) const {
  const Json* value = find(schema, keyword);
  if (value && !value->is_object())
    fail(Errc::invalid_argument, schema, keyword, "must be an object");
  return value;
}

const Json* SchemaDocument::find_list(const Json& schema, const char* keyword) const {
  const Json* value = find(schema, keyword);
  if (value && !value->is_array()) fail(Errc::invalid_argument, schema, keyword, "must be a list");
  return value;
}

bool SchemaDocument::is_true(const Json& schema, const char* keyword) const {
  const Json* value = find(schema, keyword);
  return value && value->is_boolean() && value->get<bool>();
}

}  // namespace hearth::serve
