#include "hearth/serve/schema/json_schema.h"

#include "hearth/serve/schema/schema_compiler.h"

namespace hearth::serve {

llm::Grammar grammar_of_schema(std::string_view schema, const SchemaLimits& limits) {
  SchemaDocument document(schema, limits);
  return SchemaCompiler(document, limits).compile();
}

llm::Grammar json_grammar() {
  llm::GrammarBuilder builder;
  JsonText json(builder);
  const llm::GrammarBuilder::Rule root = builder.declare("root");
  builder.define(root, builder.choice({json.any_object(), json.any_array()}));
  return builder.build(root);
}

}  // namespace hearth::serve
