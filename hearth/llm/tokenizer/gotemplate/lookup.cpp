#include "hearth/llm/tokenizer/gotemplate/lookup.h"

#include <utility>

namespace hearth::llm::gotemplate {
namespace {

using List = TemplateValue::List;
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

TemplateValue copy(Rendering& r, const TemplateValue& value) {
  const jinja::Runtime::Depth depth(r.rt);
  r.rt.step();
  r.rt.charge(sizeof(TemplateValue));
  if (const auto* text = std::get_if<std::string>(&value.data)) {
    r.rt.scan(text->size());
    r.rt.charge(text->size());
    return *text;
  }
  if (const auto* list = std::get_if<List>(&value.data)) {
    List copied;
    for (const TemplateValue& item : *list) copied.push_back(copy(r, item));
    return copied;
  }
  const auto* dict = std::get_if<Dict>(&value.data);
  if (!dict) return value;
  Dict copied;
  for (const auto& [key, item] : *dict) {
    r.rt.charge(sizeof key + key.size());
    copied.emplace_back(key, copy(r, item));
  }
  return copied;
}

}  // namespace hearth::llm::gotemplate
