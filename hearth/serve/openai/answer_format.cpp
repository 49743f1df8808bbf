// The forms that a request can ask for: OpenAI's response_format, llama-server's and vLLM's fields.
#include "hearth/serve/openai/answer_call.h"
#include "hearth/serve/openai/limits.h"

namespace hearth::serve::openai {
namespace {

using Kind = AnswerFormat::Kind;

AnswerFormat checked(const Fields& fields, std::string_view key, AnswerFormat format) {
  if (format.text.size() > kFormatBytesMax)
    fields.wrong(key, fmt::format("has {} bytes, at most {} are taken", format.text.size(),
                                  kFormatBytesMax));
  return format;
}

// A schema is an object, or true, which allows anything (JSON Schema 2020-12, 4.3.1); vLLM also
// takes its text.
AnswerFormat read_schema(const Fields& fields, std::string_view key) {
  const Json* schema = fields.find(key);
  if (!schema) fields.wrong(key, "is required");
  if (schema->is_string())
    return checked(fields, key, {.kind = Kind::schema, .text = schema->get<std::string>()});
  if (!schema->is_object() && !schema->is_boolean()) fields.wrong(key, "must be a JSON Schema");
  return checked(fields, key, {.kind = Kind::schema, .text = schema->dump()});
}

AnswerFormat read_grammar(const Fields& fields, std::string_view key) {
  return checked(fields, key, {.kind = Kind::grammar, .text = fields.string(key)});
}

AnswerFormat read_structured(const Fields& outer, std::string_view key) {
  const Fields fields = *outer.try_object(key);
  if (fields.has("json")) return read_schema(fields, "json");
  if (fields.has("grammar")) return read_grammar(fields, "grammar");
  if (fields.try_bool("json_object").value_or(false)) return {.kind = Kind::json, .text = {}};
  outer.wrong(key, "must hold json, json_object or grammar");
}

struct FormatRow {
  std::string_view field;
  AnswerFormat (*read)(const Fields&, std::string_view);
};

constexpr FormatRow kFormats[] = {
    {"response_format", read_typed_format},
    {"json_schema", read_schema},             // llama-server
    {"grammar", read_grammar},                // llama-server
    {"guided_json", read_schema},             // vLLM until 0.11
    {"guided_grammar", read_grammar},         // the same
    {"structured_outputs", read_structured},  // vLLM since
};

}  // namespace

AnswerFormat read_typed_format(const Fields& parent, std::string_view key) {
  const Fields format = *parent.try_object(key);
  const std::string type = format.string("type");
  if (type == "text") return {};
  if (type == "json_object" && !format.has("schema")) return {.kind = Kind::json, .text = {}};
  if (type == "json_object") return read_schema(format, "schema");
  if (type != "json_schema") format.wrong("type", "must be text, json_object or json_schema");
  if (const auto wrapped = format.try_object("json_schema")) return read_schema(*wrapped, "schema");
  return read_schema(format, "schema");
}

AnswerFormat read_format(const Fields& body) {
  AnswerFormat format;
  std::string_view chosen;
  for (const FormatRow& row : kFormats) {
    const Json* field = body.find(row.field);
    if (!field || *field == Json("")) continue;  // llama-server's clients send grammar: ""
    const AnswerFormat next = row.read(body, row.field);
    if (next.kind == Kind::free) continue;
    if (!chosen.empty()) body.wrong(row.field, fmt::format("cannot stand beside {}", chosen));
    format = next;
    chosen = row.field;
  }
  return format;
}

}  // namespace hearth::serve::openai
