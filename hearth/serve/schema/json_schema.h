// JSON Schema to grammars: answers that are JSON, and JSON of a given shape.
//
// The subset of draft 2020-12 that clients send, with the older spellings of drafts 4 to 7 and of
// OpenAPI. A text of the grammar is always JSON that the schema accepts, with the exceptions in the
// table; the reverse does not hold: objects write their properties in the order of the schema,
// once, and numbers and white space have one modest form.
//
//   type, also a list      absent: what the other keywords speak of; any value where none does
//   properties, required   in declared order; optional ones may be left out; required ones that are
//                          not declared follow them and have the type of additionalProperties
//   additionalProperties   absent: none where an object declares properties, any where it does not
//                          (as llama.cpp reads it); other names have no escapes
//   unevaluatedProperties  false or true: as additionalProperties is read anyway
//   propertyNames          where no properties are declared
//   patternProperties      one pattern, where no properties are declared
//   minProperties          up to the number of required ones, or 1 where none are declared
//   maxProperties          where it forbids nothing, or no properties are declared
//   items, prefixItems     also a list under `items` with `additionalItems`
//   minItems, maxItems
//   enum, const            held against `type`, not against other keywords beside them
//   anyOf, oneOf           oneOf is read as anyOf: that only one branch fits is not held
//   allOf, $ref            joined with what stands beside them; recursive through properties and
//                          items; references within the schema: "#", "#/$defs/name"
//   minLength, maxLength   characters
//   pattern                ECMA-262 without lookaround, backreferences, \b, \p and inner anchors;
//                          with minLength and maxLength where it is one repeated set, or meets them
//   format                 date, time, date-time, duration, uuid, email, hostname, ipv4, ipv6, uri;
//                          others say nothing; nothing where a pattern stands beside it
//   minimum, maximum, exclusiveMinimum, exclusiveMaximum (also draft 4's true)
//   multipleOf             1, 0.1, 0.01, …
//   nullable               OpenAPI's: null is allowed too
//   not held               uniqueItems (no context-free grammar can), contentEncoding,
//                          contentMediaType, discriminator, and names that are unknown
//   refused                not, if, then, else, contains, minContains, maxContains,
//                          dependentRequired, dependentSchemas, dependencies, unevaluatedItems,
//                          $dynamicRef, $recursiveRef
//
// White space: one space, or one or two newlines and up to 32 blanks, behind {, [, comma and colon
// and before ] and }: no answer can go on in blanks. Numbers have at most 16 digits before and 16
// behind the point unless a bound needs more, and an exponent of two digits only where there are no
// bounds. Any value nests 16 deep.
#pragma once
#include <cstddef>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/llm/grammar/grammar.h"

namespace hearth::serve {

/// What a schema may cost. Passing one is Errc::resource_exhausted naming it.
struct SchemaLimits {
  size_t schema_bytes_max = 256 << 10;
  int nesting_max = 64;           // JSON in JSON, and references that lead to references
  size_t alternatives_max = 256;  // ways to choose branches at one place
  size_t work_max = 200'000;      // schemas looked at and joined, over all places
  llm::GrammarLimits grammar = {.rules_max = 20'000};
};

/// The JSON texts that `schema`, itself JSON text, accepts. Errors: invalid_argument (no JSON; a
/// keyword of a wrong type; a place that no value fits), unsupported (a keyword; see above), each
/// naming place and keyword: "#/properties/age: minimum must be a number"; resource_exhausted.
llm::Grammar grammar_of_schema(std::string_view schema, const SchemaLimits& limits = {});

/// Any JSON object or array: what clients mean by "JSON mode".
llm::Grammar json_grammar();

}  // namespace hearth::serve
