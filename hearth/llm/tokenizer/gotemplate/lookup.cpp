#include "hearth/llm/tokenizer/gotemplate/lookup.h"

namespace hearth::llm::gotemplate {
namespace {

using Dict = TemplateValue::Dict;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_same_name(std::string_view key, std::string_view field) {
  size_t at = 0;
  for (const char c : key) {
    if (c == '_') continue;
    while (at < field.size() && field[at] == '_') ++at;
    if (at == field.size() || lower(field[at++]) != lower(c)) return false;
  }
  return at == field.size();
}

}  // namespace

Value find_key(Rendering& r, const Dict& dict, std::string_view key) {
  r.rt.step(1 + dict.size() / 4);
  for (const auto& [known, value] : dict)
    if (known == key) return &value;
  return &kNil;
}

Value find_field(Rendering& r, Value value, std::string_view field) {
  const auto* dict = std::get_if<Dict>(&value->data);
  if (!dict) r.rt.fail("a {} has no field {}", kind_name(value), field);
  r.rt.step(1 + dict->size() / 2);
  const TemplateValue* found = &kNil;
  for (const auto& [known, item] : *dict) {
    if (known == field) return &item;
    if (found == &kNil && is_same_name(known, field)) found = &item;
  }
  return found;
}

}  // namespace hearth::llm::gotemplate
