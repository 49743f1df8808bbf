// What a conjunction of schemas asks of a value, keyword by keyword, as one typed thing.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "hearth/serve/schema/number_range.h"
#include "hearth/serve/schema/schema_document.h"

namespace hearth::serve {

/// One bit a type. `number` alone are the numbers that are not whole.
enum TypeBit : unsigned {
  kNull = 1,
  kBoolean = 2,
  kString = 4,
  kInteger = 8,
  kNumber = 16,
  kArray = 32,
  kObject = 64,
  kAnyType = 127,
};

struct StringShape {
  Counts length;
  const std::string* pattern = nullptr;
  const std::string* format = nullptr;
  const Json* place = nullptr;  // the schema with the pattern or format
  /// Nothing is asked of it.
  bool is_free() const { return length.min == 0 && !length.max && !pattern && !format; }
};

struct ArrayShape {
  std::vector<Conjunction> leading;  // prefixItems
  Conjunction others;
  Counts count;
  bool is_free = false;  // nothing is asked of it
};

struct Property {
  std::string name;
  Conjunction schemas;
  bool is_required = false;
};

struct ObjectShape {
  std::vector<Property> properties;
  bool is_open = false;  // properties of other names may follow…
  Conjunction others;    // …that meet these,
  Conjunction names;     // and whose names meet these, or
  const std::string* name_pattern = nullptr;
  Counts count;
  bool is_free = false;  // nothing is asked of it
};

struct Shape {
  unsigned types = kAnyType;
  std::optional<std::vector<Json>> values;  // enum and const: no others
  StringShape string;
  NumberRange number;
  bool is_bounded = false;  // `number` says something
  ArrayShape array;
  ObjectShape object;
};

/// `way`: of SchemaDocument::ways. Errors: invalid_argument, unsupported, resource_exhausted.
Shape shape_of(const SchemaDocument& document, const Conjunction& way);

}  // namespace hearth::serve
