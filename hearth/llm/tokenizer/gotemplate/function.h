// The functions that a template in Go's language may call: Go's own and Ollama's.
#pragma once
#include <deque>
#include <span>
#include <string_view>

#include "hearth/llm/tokenizer/chat_template.h"
#include "hearth/llm/tokenizer/jinja/runtime.h"

namespace hearth::llm::gotemplate {

/// What a template computes with: a value that lives until the rendering ends, or a part of a list.
/// Templates slice their messages once a message, so a part is a view.
class Value {
 public:
  using Items = std::span<const TemplateValue>;

  Value(const TemplateValue* whole) : whole_(whole) {
    if (const auto* list = whole ? std::get_if<TemplateValue::List>(&whole->data) : nullptr)
      items_ = *list;
  }
  Value(const TemplateValue* list, Items part) : whole_(list), items_(part) {}

  const TemplateValue* operator->() const { return whole_; }
  const TemplateValue& operator*() const { return *whole_; }
  bool is_list() const { return std::holds_alternative<TemplateValue::List>(whole_->data); }
  /// Of a list. Other kinds have none.
  Items items() const { return items_; }
  Value part(size_t first, size_t last) const {
    return {whole_, items_.subspan(first, last - first)};
  }

 private:
  const TemplateValue* whole_;
  Items items_;
};

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
