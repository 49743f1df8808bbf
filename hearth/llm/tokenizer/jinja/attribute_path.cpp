#include "hearth/llm/tokenizer/jinja/attribute_path.h"

#include <algorithm>

#include "hearth/llm/tokenizer/jinja/operations.h"
#include "hearth/llm/tokenizer/jinja/printing.h"
#include "hearth/llm/tokenizer/jinja/text.h"

namespace hearth::llm::jinja {

Value follow_path(Runtime& rt, const Value& item, const Value& path, const Value& otherwise) {
  if (path.is_none()) return item;
  if (!path.is_text()) return get_item(rt, item, path);
  rt.scan(path.as_text().size());
  Value value = item;
  split(path.as_text(), ".", -1, [&](std::string_view part) {
    rt.step();
    const bool is_index =
        !part.empty() && part.size() < 18 &&
        std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    value = get_item(rt, value,
                     is_index ? Value::integer(std::stoll(std::string(part))) : Value::text(part));
    if (value.is_undefined() && !otherwise.is_none()) value = otherwise;
  });
  return value;
}

Value sort_key(Runtime& rt, const Value& value, bool is_case_sensitive) {
  if (is_case_sensitive || !value.is_text()) return value;
  return rt.text(lower(value.as_text()));
}

}  // namespace hearth::llm::jinja
