#include "hearth/serve/engine/chat_renderer.h"

#include <algorithm>
#include <utility>

#include "hearth/base/error.h"
#include "hearth/serve/output/template_values.h"

namespace hearth::serve {
namespace {

using llm::TemplateValue;

constexpr std::string_view kGoWords[] = {"if",     "else",  "end",   "range",    "with",
                                         "define", "block", "break", "continue", "template"};

bool is_word_byte(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

llm::ChatTemplate parse(std::string_view source) {
  if (is_go_template(source))
    throw Error(Errc::unsupported,
                "the model's template is written in Go's language, and its file has none in Jinja");
  return llm::ChatTemplate(source);
}

std::string spelling_or_nothing(const llm::Tokenizer& tokenizer, std::optional<int32_t> id) {
  return id ? tokenizer.spelling(*id) : std::string();
}

// gpt-oss knows three levels and always thinks.
std::string_view effort_of(Thinking level) {
  switch (level) {
    case Thinking::off:
    case Thinking::low:
      return "low";
    case Thinking::high:
    case Thinking::max:
      return "high";
    default:
      return "medium";
  }
}

void set_argument(TemplateValue::Dict& globals, std::string key, TemplateValue value) {
  for (auto& [known, old] : globals)
    if (known == key) {
      old = std::move(value);
      return;
    }
  globals.emplace_back(std::move(key), std::move(value));
}

// Without a system role (Gemma 2), the text of the system goes in front of the first user's.
std::vector<Message> fold_system(const std::vector<Message>& messages) {
  std::vector<Message> folded;
  std::string held;
  for (const Message& message : messages) {
    if (message.role == Role::system) {
      held += message.content + "\n\n";
      continue;
    }
    folded.push_back(message);
    if (message.role == Role::user)
      folded.back().content = std::exchange(held, {}) + message.content;
  }
  while (held.ends_with('\n')) held.pop_back();
  if (!held.empty()) folded.push_back({.role = Role::user, .content = std::move(held)});
  return folded;
}

std::string without_space_at_end(std::string text) {
  while (!text.empty() && (text.back() == ' ' || (text.back() >= '\t' && text.back() <= '\r')))
    text.pop_back();
  return text;
}

}  // namespace

// An action of Go begins with a field, a variable or one of its words; an expression of Jinja
// never begins so, and its statements stand in {% %}.
bool is_go_template(std::string_view source) {
  if (source.find("{%") != std::string_view::npos) return false;
  for (size_t at = source.find("{{"); at != std::string_view::npos; at = source.find("{{", at)) {
    at += 2;
    if (at < source.size() && source[at] == '-') ++at;
    while (at < source.size() && (source[at] == ' ' || source[at] == '\n')) ++at;
    std::string_view action = source.substr(at);
    if (action.starts_with('.') || action.starts_with('$')) return true;
    size_t bytes = 0;
    while (bytes < action.size() && is_word_byte(action[bytes])) ++bytes;
    const std::string_view word = action.substr(0, bytes);
    if (std::find(std::begin(kGoWords), std::end(kGoWords), word) != std::end(kGoWords))
      return true;
  }
  return false;
}

ChatRenderer::ChatRenderer(std::string_view source, const llm::Tokenizer& tokenizer)
    : template_(parse(source)),
      style_(detect_style(source)),
      bos_(spelling_or_nothing(tokenizer, tokenizer.bos())),
      eos_(spelling_or_nothing(tokenizer, tokenizer.eos())),
      writes_system_(can_write_system()) {}

// Tried once: some templates refuse a system message, others pass it over in silence.
bool ChatRenderer::can_write_system() const {
  constexpr std::string_view kProbe = "a text that no template holds by itself";
  const std::vector<Message> probe = {
      {.role = Role::system, .content = std::string(kProbe)},
      {.role = Role::user, .content = "a question"},
  };
  try {
    return run({}, probe, {}, true, 0).find(kProbe) != std::string::npos;
  } catch (const Error&) {
    return false;
  }
}

std::string ChatRenderer::run(const ChatPrompt& prompt, const std::vector<Message>& messages,
                              const std::vector<Tool>& tools, bool opens_answer,
                              std::time_t now) const {
  TemplateValue::Dict globals = {{"messages", messages_value(messages, style_.calls)},
                                 {"add_generation_prompt", opens_answer},
                                 {"bos_token", bos_},
                                 {"eos_token", eos_}};
  // Not even None without any: some templates go through them without asking.
  if (!tools.empty()) globals.emplace_back("tools", tools_value(tools));
  if (style_.thinking != ThinkingStyle::none) {
    const Thinking level = prompt.thinking.value_or(Thinking::on);
    globals.emplace_back("enable_thinking", level != Thinking::off);
    globals.emplace_back("thinking", level != Thinking::off);
    globals.emplace_back("reasoning_effort", std::string(effort_of(level)));
  }
  for (const auto& [key, value] : prompt.template_arguments.items())
    set_argument(globals, key, to_template_value(value));
  return template_.render(globals, now);
}

// As the template writes the last message, up to the end of its content: what closes its turn is
// cut off.
std::string ChatRenderer::continue_last(const ChatPrompt& prompt, std::vector<Message> messages,
                                        const std::vector<Tool>& tools, std::time_t now) const {
  std::string& content = messages.back().content;
  content = without_space_at_end(std::move(content)) + std::string(kEndMark);
  std::string text = run(prompt, messages, tools, false, now);
  const size_t end = text.rfind(kEndMark);
  if (end == std::string::npos)
    throw Error(Errc::unsupported,
                "the model's template does not show the end of the last message, which is to be "
                "continued");
  text.resize(end);
  return text;
}

std::string ChatRenderer::render(const ChatPrompt& prompt, std::vector<Message> messages,
                                 std::time_t now) const {
  const bool may_think = prompt.thinking.value_or(Thinking::off) != Thinking::off;
  if (may_think && style_.thinking == ThinkingStyle::none)
    throw Error(Errc::unsupported, "the model does not support thinking");
  std::vector<Tool> tools = prompt.tools;
  if (style_.calls == CallStyle::generic)
    messages = spell_out_tools(messages, std::exchange(tools, {}));
  if (!writes_system_) messages = fold_system(messages);
  // An empty message is a turn that was only opened.
  const bool continues =
      prompt.continues_last && !messages.empty() && messages.back().role == Role::assistant;
  if (continues && messages.back().content.empty() && messages.back().tool_calls.empty())
    messages.pop_back();
  else if (continues)
    return continue_last(prompt, std::move(messages), tools, now);

  std::string text = run(prompt, messages, tools, true, now);
  // Models that always think (DeepSeek R1) open the thoughts here; closed at once, they are empty.
  if (prompt.thinking == Thinking::off && prompt_opens_thinking(text)) text += "\n</think>\n\n";
  return text;
}

}  // namespace hearth::serve
