// From a schema's shapes to a grammar.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hearth/serve/schema/json_text.h"
#include "hearth/serve/schema/schema_document.h"
#include "hearth/serve/schema/schema_shape.h"

namespace hearth::serve {

/// Used once. Each conjunction that stands at some place becomes one rule, however often and
/// recursively it is met; rules are defined one after another from a list, never inside each other,
/// so that no chain of references needs our stack.
class SchemaCompiler {
 public:
  SchemaCompiler(SchemaDocument& document, const SchemaLimits& limits)
      : document_(document), builder_(limits.grammar), json_(builder_) {}
  llm::Grammar compile();

 private:
  using MaybeExpr = std::optional<Expr>;
  struct Pending {
    Rule rule;
    std::vector<Conjunction> ways;
    const Json* place;
  };

  MaybeExpr value(const Conjunction& schemas, const Json& parent);
  void define(const Pending& pending);
  void add_shape(const Shape& shape, const Json& place, std::vector<Expr>& choices);
  MaybeExpr string_of(const StringShape& shape);
  MaybeExpr number_of(const Shape& shape);
  MaybeExpr array_of(const ArrayShape& shape, const Json& place);
  MaybeExpr object_of(const ObjectShape& shape, const Json& place);
  MaybeExpr other_member(const ObjectShape& shape, const Json& place);
  void check_counts(const ObjectShape& shape, const Json& place) const;
  Expr name_of(const Property& property);

  SchemaDocument& document_;
  llm::GrammarBuilder builder_;
  JsonText json_;
  std::map<Conjunction, std::optional<Rule>> rules_;  // by the schemas in order of address
  std::vector<Pending> pending_;
};

}  // namespace hearth::serve
