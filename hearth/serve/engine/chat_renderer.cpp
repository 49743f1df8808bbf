#include "hearth/serve/engine/chat_renderer.h"

#include <utility>

#include "hearth/base/error.h"
#include "hearth/serve/engine/go_conversation.h"
#include "hearth/serve/output/template_values.h"

namespace hearth::serve {
namespace {

using llm::TemplateValue;

using Template = std::variant<llm::ChatTemplate, llm::GoTemplate>;

Template parse(std::string_view source) {
  if (llm::is_go_template(source)) return llm::GoTemplate(source);
  return llm::ChatTemplate(source);
}

// A template that tells nothing of tools cannot show them, whatever tags it spells.
TemplateTraits traits_of(std::string_view source, const Template& parsed) {
  TemplateTraits traits = {.style = detect_style(source)};
  const auto* go = std::get_if<llm::GoTemplate>(&parsed);
  const bool shows_tools =
      go ? go->uses("Tools") : std::get<llm::ChatTemplate>(parsed).uses("tools");
  if (!shows_tools) traits.style.calls = CallStyle::generic;
  traits.can_fill_in = go && go->uses("Suffix");
  return traits;
}

std::string spelling_or_nothing(const llm::Tokenizer& tokenizer, std::optional<int32_t> id) {
  return id ? tokenizer.spelling(*id) : std::string();
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

TemplateTraits template_traits(std::string_view source) { return traits_of(source, parse(source)); }

ChatRenderer::ChatRenderer(std::string_view source, const llm::Tokenizer& tokenizer)
    : template_(parse(source)),
      traits_(traits_of(source, template_)),
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
  if (go())
    return go()->render(go_conversation(prompt, messages, tools, traits_.style.thinking), now);
  TemplateValue::Dict globals = {{"messages", messages_value(messages, traits_.style.calls)},
                                 {"add_generation_prompt", opens_answer},
                                 {"bos_token", bos_},
                                 {"eos_token", eos_}};
  // Not even None without any: some templates go through them without asking.
  if (!tools.empty()) globals.emplace_back("tools", tools_value(tools));
  if (traits_.style.thinking != ThinkingStyle::none) {
    const Thinking level = prompt.thinking.value_or(Thinking::on);
    globals.emplace_back("enable_thinking", level != Thinking::off);
    globals.emplace_back("thinking", level != Thinking::off);
    globals.emplace_back("reasoning_effort", std::string(effort_of(level)));
  }
  for (const auto& [key, value] : prompt.template_arguments.items())
    set_argument(globals, key, to_template_value(value));
  return std::get<llm::ChatTemplate>(template_).render(globals, now);
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
  if (may_think && traits_.style.thinking == ThinkingStyle::none)
    throw Error(Errc::unsupported, "the model does not support thinking");
  std::vector<Tool> tools = prompt.tools;
  if (traits_.style.calls == CallStyle::generic)
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

std::string ChatRenderer::fill_in(std::string_view before, std::string_view after,
                                  std::time_t now) const {
  HEARTH_CHECK(can_fill_in());
  return go()->render_between(before, after, now);
}

}  // namespace hearth::serve
