#include "hearth/serve/schema/schema_shape.h"

#include <algorithm>
#include <utility>

namespace hearth::serve {
namespace {

constexpr const char* kRefused[] = {
    "not",
    "if",
    "then",
    "else",
    "contains",
    "minContains",
    "maxContains",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedItems",
    "$dynamicRef",
    "$recursiveRef",
};

struct NamedType {
  const char* name;
  unsigned bits;
};
constexpr NamedType kTypes[] = {
    {"null", kNull},   {"boolean", kBoolean},          {"string", kString}, {"integer", kInteger},
    {"array", kArray}, {"number", kNumber | kInteger}, {"object", kObject},
};

// Keywords that speak of one type: where no schema names types, they do.
constexpr NamedType kSpeaksOf[] = {
    {"properties", kObject},
    {"required", kObject},
    {"additionalProperties", kObject},
    {"patternProperties", kObject},
    {"propertyNames", kObject},
    {"minProperties", kObject},
    {"maxProperties", kObject},
    {"unevaluatedProperties", kObject},
    {"items", kArray},
    {"prefixItems", kArray},
    {"minItems", kArray},
    {"maxItems", kArray},
    {"uniqueItems", kArray},
    {"minLength", kString},
    {"maxLength", kString},
    {"pattern", kString},
    {"format", kString},
    {"minimum", kNumber | kInteger},
    {"maximum", kNumber | kInteger},
    {"exclusiveMinimum", kNumber | kInteger},
    {"exclusiveMaximum", kNumber | kInteger},
    {"multipleOf", kNumber | kInteger},
};

unsigned type_of(const Json& value) {
  if (value.is_null()) return kNull;
  if (value.is_boolean()) return kBoolean;
  if (value.is_string()) return kString;
  if (value.is_array()) return kArray;
  if (value.is_object()) return kObject;
  const auto number = value.get<double>();
  return value.is_number_integer() ||
                 number ==
                     static_cast<double>(static_cast<int64_t>(std::clamp(number, -1e15, 1e15)))
             ? kInteger
             : kNumber;
}

class ShapeReader {
 public:
  ShapeReader(const SchemaDocument& document, const Conjunction& way)
      : document_(document), way_(way) {}

  Shape read() {
    for (const Json* schema : way_) {
      refuse(*schema);
      read_types(*schema);
      read_values(*schema);
      read_string(*schema);
      read_number(*schema);
    }
    if (!names_types_ && !shape_.values) infer_types();
    read_array();
    read_object();
    return std::move(shape_);
  }

 private:
  void refuse(const Json& schema) const {
    for (const char* keyword : kRefused)
      if (schema.contains(keyword))
        document_.fail(Errc::unsupported, schema, keyword, "is not supported");
  }

  unsigned bits_of(const Json& schema, const Json& name) const {
    for (const NamedType& type : kTypes)
      if (name == type.name) return type.bits;
    document_.fail(
        Errc::invalid_argument, schema, "type",
        "must be null, boolean, string, number, integer, array, object or a list of them");
  }

  void read_types(const Json& schema) {
    const Json* type = document_.find(schema, "type");
    if (type == nullptr) return;
    names_types_ = true;
    unsigned bits = document_.is_true(schema, "nullable") ? unsigned{kNull} : 0;
    if (type->is_array())
      for (const Json& one : *type) bits |= bits_of(schema, one);
    else
      bits |= bits_of(schema, *type);
    shape_.types &= bits;
  }

  void infer_types() {
    unsigned bits = 0;
    for (const Json* schema : way_) {
      if (document_.is_true(*schema, "nullable")) bits |= kNull;
      for (const NamedType& keyword : kSpeaksOf)
        if (schema->contains(keyword.name)) bits |= keyword.bits;
    }
    if ((bits & ~unsigned{kNull}) != 0) shape_.types = bits;
  }

  void read_values(const Json& schema) {
    std::vector<Json> values;
    if (const Json* list = document_.find_list(schema, "enum"))
      values.assign(list->begin(), list->end());
    else if (const Json* value = document_.find(schema, "const"))
      values.push_back(*value);
    else
      return;
    if (document_.is_true(schema, "nullable")) values.push_back(nullptr);
    if (shape_.values)
      std::erase_if(values, [&](const Json& v) {
        return std::find(shape_.values->begin(), shape_.values->end(), v) == shape_.values->end();
      });
    shape_.values = std::move(values);
  }

  void narrow(Counts& counts, const Json& schema, const char* min, const char* max) const {
    if (const auto n = document_.find_count(schema, min)) counts.min = std::max(counts.min, *n);
    if (const auto n = document_.find_count(schema, max))
      counts.max = std::min(counts.max.value_or(*n), *n);
  }

  void read_string(const Json& schema) {
    narrow(shape_.string.length, schema, "minLength", "maxLength");
    for (const auto& [keyword, text] : {std::pair("pattern", &shape_.string.pattern),
                                        std::pair("format", &shape_.string.format)}) {
      const std::string* found = document_.find_string(schema, keyword);
      if (found == nullptr) continue;
      if (*text != nullptr && **text != *found)
        document_.fail(Errc::unsupported, schema, keyword,
                       "meets another in allOf, which is not supported");
      *text = found;
      shape_.string.place = &schema;
    }
  }

  // Further from zero than any number that is written: OpenAPI's tools bound a double by its
  // largest value.
  static bool is_out_of_reach(const Json& bound, bool is_low) {
    const auto number = bound.get<double>();
    return is_low ? number <= -1e40 : number >= 1e40;
  }

  Decimal decimal(const Json& schema, const char* keyword, const Json& number) const {
    const auto value = parse_decimal(number.dump());
    if (!value)
      document_.fail(Errc::resource_exhausted, schema, keyword, "has more than 40 digits");
    return *value;
  }

  void read_number(const Json& schema) {
    const auto bound = [&](const char* keyword, const char* exclusive, std::optional<Bound>& so_far,
                           bool is_low) {
      const auto add = [&](const char* name, const Json& number, bool is_exclusive) {
        shape_.is_bounded = true;
        if (!is_out_of_reach(number, is_low))
          tighten(so_far, {decimal(schema, name, number), is_exclusive}, is_low);
      };
      if (const Json* n = document_.find_number(schema, keyword))
        add(keyword, *n, document_.is_true(schema, exclusive));
      const Json* n = document_.find(schema, exclusive);
      if (n == nullptr || n->is_boolean()) return;
      add(exclusive, *document_.find_number(schema, exclusive), true);
    };
    bound("minimum", "exclusiveMinimum", shape_.number.low, true);
    bound("maximum", "exclusiveMaximum", shape_.number.high, false);
    if (const Json* step = document_.find_number(schema, "multipleOf")) {
      const Decimal value = decimal(schema, "multipleOf", *step);
      const bool is_one = value.whole == "1" && value.fraction.empty();
      const bool is_tenth = value.whole == "0" && !value.fraction.empty() &&
                            value.fraction.find_first_not_of('0') == value.fraction.size() - 1 &&
                            value.fraction.back() == '1';
      if (value.is_negative || (!is_one && !is_tenth))
        document_.fail(Errc::unsupported, schema, "multipleOf",
                       "is supported as 1, 0.1, 0.01, ...");
      shape_.is_bounded = true;
      shape_.number.fraction_digits_max =
          std::min(shape_.number.fraction_digits_max, static_cast<int>(value.fraction.size()));
    }
  }

  static void tighten(std::optional<Bound>& bound, const Bound& other, bool is_low) {
    if (!bound) {
      bound = other;
      return;
    }
    const int order = compare(other.value, bound->value);
    if (order == 0) bound->is_exclusive |= other.is_exclusive;
    if (is_low ? order > 0 : order < 0) bound = other;
  }

  void read_array() {
    ArrayShape& array = shape_.array;
    array.is_free = true;
    size_t leading = 0;
    for (const Json* schema : way_) {
      narrow(array.count, *schema, "minItems", "maxItems");
      for (const char* keyword : {"items", "prefixItems", "minItems", "maxItems"})
        array.is_free &= !schema->contains(keyword);
      if (const Json* list = leading_of(*schema)) leading = std::max(leading, list->size());
    }
    array.leading.resize(leading);
    for (const Json* schema : way_) {
      const Json* list = leading_of(*schema);
      const Json* others = document_.find(
          *schema, list && !schema->contains("prefixItems") ? "additionalItems" : "items");
      for (size_t i = 0; i < leading; ++i)
        if (list && i < list->size())
          array.leading[i].push_back(&(*list)[i]);
        else if (others)
          array.leading[i].push_back(others);
      if (others) array.others.push_back(others);
    }
  }

  // prefixItems, or a list under items as drafts 4 to 2019-09 have it.
  const Json* leading_of(const Json& schema) const {
    if (const Json* list = document_.find_list(schema, "prefixItems")) return list;
    const Json* items = document_.find(schema, "items");
    return items && items->is_array() ? items : nullptr;
  }

  void read_object() {
    bool declares = false, opens = false, closes = false;
    for (const Json* schema : way_) {
      narrow(shape_.object.count, *schema, "minProperties", "maxProperties");
      if (const Json* properties = document_.find_object(*schema, "properties")) {
        declares = true;
        for (const auto& [name, unused] : properties->items()) add_property(name, false);
      }
      const Json* others = others_of(*schema);
      closes |= others && others->is_boolean() && !others->get<bool>();
      opens |= others && !(others->is_boolean() && !others->get<bool>());
      if (others && !others->is_boolean()) shape_.object.others.push_back(others);
    }
    read_required();
    for (const Json* schema : way_) read_names(*schema);
    ObjectShape& object = shape_.object;
    object.is_open |= !closes && (opens || !declares);
    object.is_free = object.is_open && object.properties.empty() && object.others.empty() &&
                     object.names.empty() && !object.name_pattern && object.count.min == 0 &&
                     !object.count.max;
  }

  // What a schema says about properties that it does not declare; nothing when it is silent.
  const Json* others_of(const Json& schema) const {
    const Json* rest = document_.find(schema, "unevaluatedProperties");
    if (rest && !rest->is_boolean())
      document_.fail(Errc::unsupported, schema, "unevaluatedProperties",
                     "is supported as a boolean");
    const Json* others = document_.find(schema, "additionalProperties");
    return others ? others : rest;
  }

  void read_required() {
    for (const Json* schema : way_) {
      const Json* required = document_.find_list(*schema, "required");
      if (required == nullptr) continue;
      for (const Json& name : *required) {
        if (!name.is_string())
          document_.fail(Errc::invalid_argument, *schema, "required", "must be a list of strings");
        add_property(name.get<std::string>(), true);
      }
    }
  }

  void add_property(const std::string& name, bool is_required) {
    std::vector<Property>& all = shape_.object.properties;
    const auto [known, is_new] = index_of_.emplace(name, all.size());
    if (is_new) all.push_back({.name = name, .schemas = schemas_of(name)});
    all[known->second].is_required |= is_required;
  }

  Conjunction schemas_of(const std::string& name) const {
    Conjunction all;
    for (const Json* schema : way_) {
      const Json* properties = document_.find_object(*schema, "properties");
      const Json* own = properties ? document_.find(*properties, name.c_str()) : nullptr;
      const Json* others = schema->contains("patternProperties") ? nullptr : others_of(*schema);
      if (own || others) all.push_back(own ? own : others);
    }
    return all;
  }

  void read_names(const Json& schema) {
    ObjectShape& object = shape_.object;
    const Json* names = document_.find_object(schema, "propertyNames");
    const Json* patterns = document_.find_object(schema, "patternProperties");
    const bool is_trivial =
        names && (names->empty() || (names->size() == 1 && names->contains("type")));
    if (names && !is_trivial) {
      if (!object.properties.empty())
        document_.fail(Errc::unsupported, schema, "propertyNames",
                       "beside properties is not supported");
      object.names.push_back(names);
    }
    if (!patterns || patterns->empty()) return;
    const bool is_alone = object.properties.empty() && patterns->size() == 1 &&
                          object.names.empty() && object.others.empty() && !object.name_pattern;
    if (!is_alone)
      document_.fail(Errc::unsupported, schema, "patternProperties",
                     "is supported with one pattern and no other properties");
    object.name_pattern = &patterns->begin().key();
    object.others = {&patterns->begin().value()};
    object.is_open = true;
  }

  const SchemaDocument& document_;
  const Conjunction& way_;
  Shape shape_;
  bool names_types_ = false;
  std::unordered_map<std::string, size_t> index_of_;  // of properties
};

}  // namespace

Shape shape_of(const SchemaDocument& document, const Conjunction& way) {
  Shape shape = ShapeReader(document, way).read();
  if (shape.values)
    std::erase_if(*shape.values, [&](const Json& v) { return (type_of(v) & shape.types) == 0; });
  return shape;
}

}  // namespace hearth::serve
