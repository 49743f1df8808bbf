// The functions that a template in Go's language may call: Go's own and Ollama's.
#pragma once
#include <deque>
#include <span>
#include <string_view>

#include "hearth/llm/tokenizer/chat_template.h"
#include "hearth/llm/tokenizer/jinja/runtime.h"

namespace hearth::llm::gotemplate {

/// Never null; lives until the rendering ends.
using Value = const TemplateValue*;

/// What is absent: nil.
extern const TemplateValue kNil;

/// What one rendering owns and may spend.
struct Rendering {
  jinja::Runtime rt;
  std::deque<TemplateValue> made;  // values that functions made
  std::string out;

  /// Keeps `value`, whose texts were paid for by Runtime::append.
  Value keep(TemplateValue value);
  /// Keeps a text of its size.
  Value keep_text(std::string text);
};

using Arguments = std::span<const Value>;

struct Function {
  enum class Kind : uint8_t { plain, and_, or_, unsupported };

  std::string_view name;
  size_t arguments_min;
  size_t arguments_max;
  Value (*call)(Rendering& r, Arguments arguments);
  Kind kind = Kind::plain;  // and_, or_: the arguments are looked at one by one
};

constexpr size_t kAnyNumber = SIZE_MAX;

/// nullptr: there is none.
const Function* find_function(std::string_view name);

/// As Go sees it: false, 0, "", nil and what is empty are not true.
bool is_true(Value value);
/// "string", "map" and so on, for messages.
std::string_view kind_name(Value value);

}  // namespace hearth::llm::gotemplate
