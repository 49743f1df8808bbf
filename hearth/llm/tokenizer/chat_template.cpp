#include "hearth/llm/tokenizer/chat_template.h"

#include <algorithm>

#include "hearth/llm/tokenizer/jinja/interpreter.h"
#include "hearth/llm/tokenizer/jinja/operations.h"
#include "hearth/llm/tokenizer/jinja/parser.h"
#include "hearth/llm/tokenizer/jinja/runtime.h"

namespace hearth::llm {
namespace {

// The caller's value as the template sees it. Texts are viewed, not copied.
class Import {
 public:
  explicit Import(jinja::Runtime& rt) : rt_(rt) {}

  jinja::Value operator()(const TemplateValue& value) {
    const jinja::Runtime::Depth depth(rt_);
    return std::visit(*this, value.data);
  }
  jinja::Value operator()(std::monostate) { return jinja::Value::none(); }
  jinja::Value operator()(bool b) { return jinja::Value::boolean(b); }
  jinja::Value operator()(int64_t i) { return jinja::Value::integer(i); }
  jinja::Value operator()(double d) { return jinja::Value::real(d); }
  jinja::Value operator()(const std::string& s) {
    if (s.size() > rt_.limits().memory_bytes_max) rt_.charge(s.size());
    return jinja::Value::text(s);
  }
  jinja::Value operator()(const TemplateValue::List& list) {
    std::vector<jinja::Value> items;
    items.reserve(list.size());
    for (const TemplateValue& item : list) rt_.push(items, (*this)(item));
    return rt_.list(std::move(items));
  }
  jinja::Value operator()(const TemplateValue::Dict& dict) {
    jinja::Mapping* mapping = rt_.mapping();
    for (const auto& [key, value] : dict) {
      rt_.charge(4 * sizeof(jinja::Value));
      mapping->entries.emplace_back((*this)(key), (*this)(value));
    }
    return jinja::Value::mapping(mapping);
  }

 private:
  jinja::Runtime& rt_;
};

}  // namespace

struct ChatTemplate::Parsed {
  jinja::Template tree;
  ChatTemplateLimits limits;
};

ChatTemplate::ChatTemplate(std::string_view source, const ChatTemplateLimits& limits)
    : parsed_(std::make_unique<Parsed>(Parsed{jinja::parse_template(source, limits), limits})) {}
ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;

bool ChatTemplate::uses(std::string_view variable) const {
  const std::vector<std::string_view>& names = parsed_->tree.symbols;
  return std::find(names.begin(), names.end(), variable) != names.end();
}

std::string ChatTemplate::render(const TemplateValue::Dict& globals, int64_t now_unix_s) const {
  jinja::Runtime rt(parsed_->limits, now_unix_s);
  jinja::Interpreter interpreter(rt, parsed_->tree);
  Import import(rt);
  for (const auto& [name, value] : globals) {
    const auto* list = std::get_if<TemplateValue::List>(&value.data);
    if (list && name == "messages") rt.allow_messages(list->size());
    interpreter.set_global(name, import(value));
  }
  return interpreter.run();
}

std::string render_chat(const ChatTemplate& chat_template, const std::vector<ChatMessage>& messages,
                        std::string_view bos_token, std::string_view eos_token,
                        int64_t now_unix_s) {
  TemplateValue::List list;
  for (const ChatMessage& message : messages)
    list.push_back(TemplateValue::Dict{{"role", message.role}, {"content", message.content}});
  return chat_template.render({{"messages", std::move(list)},
                               {"add_generation_prompt", true},
                               {"bos_token", std::string(bos_token)},
                               {"eos_token", std::string(eos_token)}},
                              now_unix_s);
}

}  // namespace hearth::llm
