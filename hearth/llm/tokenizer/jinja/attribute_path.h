// The attribute="a.b.0" argument of filters: a path from an item to a value in it.
#pragma once
#include "hearth/llm/tokenizer/jinja/runtime.h"
#include "hearth/llm/tokenizer/jinja/value.h"

namespace hearth::llm::jinja {

/// item[a][b][0] for the path "a.b.0" or an integer; the item itself when `path` is None.
/// `otherwise` (None: nothing) stands in for an undefined step.
Value follow_path(Runtime& rt, const Value& item, const Value& path,
                  const Value& otherwise = Value::none());

/// What sorting and grouping compare: a text in lower case unless `is_case_sensitive`.
Value sort_key(Runtime& rt, const Value& value, bool is_case_sensitive);

}  // namespace hearth::llm::jinja
